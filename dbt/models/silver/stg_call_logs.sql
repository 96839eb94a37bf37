{{ config(materialized='incremental', **laid_out('ingest_date', guarded=true)) }}

-- depends_on: {{ ref('int_days_begun') }}
with delivered as (
    select
        *,
        {{ row_hash([
            'source_row_id', 'call_id', 'customer_id', 'complaint_category', 'agent_id', 'call_start_time',
            'call_end_time', 'resolution_status', 'generation_date'
        ]) }} as _row_hash
    from {{ delivered_by('call_logs') }}
    where {{ is_day_to_build('ingest_date') }}
),

mended as (
    select
        *,
        {{ mended_timestamp('call_start_time') }} as call_started_at,
        {{ mended_timestamp('call_end_time') }} as call_ended_at
    from delivered
)

select
    source_row_id,
    {{ blank_to_null('call_id') }} as call_id,
    {{ lowered(blank_to_null('customer_id')) }} as customer_id,
    {{ mended_category('complaint_category') }} as complaint_category,
    {{ blank_to_null('agent_id') }} as agent_id,
    call_started_at,
    call_ended_at,
    {{ mended_status('resolution_status') }} as resolution_status,
    {{ mended_date('generation_date') }} as generation_date,
    complaint_category as complaint_category_as_delivered,
    call_start_time as call_start_time_as_delivered,
    call_end_time as call_end_time_as_delivered,
    resolution_status as resolution_status_as_delivered,
    generation_date as generation_date_as_delivered,
    {{ is_unreadable('call_start_time', 'call_started_at') }}
    or {{ is_unreadable('call_end_time', 'call_ended_at') }} as has_unreadable_date,
    coalesce(cast(call_started_at as date) > ingest_date, false) as has_future_date,
    coalesce(call_ended_at < call_started_at, false) as has_inconsistent_resolution,
    _row_hash,
    {{ in_utc('_ingested_at') }} as _ingested_at,
    _source_system,
    _source_uri,
    _run_id,
    _rescued,
    ingest_date
from mended
