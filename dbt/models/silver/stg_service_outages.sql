{{ config(materialized='incremental', **laid_out('ingest_date')) }}

-- depends_on: {{ ref('int_days_begun') }}
with delivered as (
    select
        *,
        {{ row_hash([
            'outage_id', 'service', 'region', 'started_at', 'ended_at', 'cause', 'customers_affected', 'report_date'
        ]) }} as _row_hash
    from {{ delivered_by('service_outages') }}
    where {{ is_day_to_build('ingest_date') }}
),

mended as (
    select
        *,
        {{ mended_timestamp('started_at') }} as mended_started_at,
        {{ mended_timestamp('ended_at') }} as mended_ended_at,
        {{ mended_count('customers_affected') }} as mended_customers_affected
    from delivered
)

select
    {{ blank_to_null('outage_id') }} as outage_id,
    coalesce({{ blank_to_null('service') }}, 'Unknown') as service,
    {{ blank_to_null('region') }} as region,
    mended_started_at as started_at,
    mended_ended_at as ended_at,
    coalesce({{ blank_to_null('cause') }}, 'Unknown') as cause,
    mended_customers_affected as customers_affected,
    {{ mended_date('report_date') }} as report_date,
    started_at as started_at_as_delivered,
    ended_at as ended_at_as_delivered,
    customers_affected as customers_affected_as_delivered,
    report_date as report_date_as_delivered,
    {{ is_unreadable('started_at', 'mended_started_at') }}
    or {{ is_unreadable('ended_at', 'mended_ended_at') }} as has_unreadable_date,
    {{ is_unreadable('customers_affected', 'mended_customers_affected') }} as has_unreadable_number,
    coalesce(cast(mended_started_at as date) > ingest_date, false) as has_future_date,
    coalesce(mended_ended_at < mended_started_at, false) as has_inconsistent_end,
    _row_hash,
    {{ in_utc('_ingested_at') }} as _ingested_at,
    _source_system,
    _source_uri,
    _run_id,
    _rescued,
    ingest_date
from mended
