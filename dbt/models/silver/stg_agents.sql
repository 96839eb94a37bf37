{{ config(materialized='incremental', **laid_out('ingest_date')) }}

-- depends_on: {{ ref('int_days_begun') }}
with delivered as (
    select
        *,
        {{ row_hash(['agent_id', 'name', 'experience', 'state']) }} as _row_hash
    from {{ delivered_by('agents') }}
    where {{ is_day_to_build('ingest_date') }}
)

select
    {{ blank_to_null('agent_id') }} as agent_id,
    {{ blank_to_null('name') }} as agent_name,
    {{ canonical('experience', ['Senior', 'Mid-level', 'Junior', 'Intern'], "'Unknown'") }} as experience,
    {{ blank_to_null('state') }} as state_name,
    experience as experience_as_delivered,
    _row_hash,
    {{ in_utc('_ingested_at') }} as _ingested_at,
    _source_system,
    _source_uri,
    _run_id,
    _rescued,
    ingest_date
from delivered
