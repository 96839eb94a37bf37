{{ config(materialized='incremental', **laid_out('ingest_date')) }}

-- Written before Silver is: of a day whose build was killed somewhere in between, Gold finds that it did not end.
with days as (
    select
        feed,
        ingest_date
    from {{ days_held_by('bronze') }}
    where {{ is_day_to_build('ingest_date') }}
    {%- if is_incremental() %}
    union all
    select
        feed,
        ingest_date
    from {{ this }}
    where {{ is_day_asked('ingest_date') }}
    {%- endif %}
)

select distinct
    feed,
    '{{ this_writing() }}' as begun_by,
    ingest_date
from days
