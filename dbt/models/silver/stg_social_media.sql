{{ config(materialized='incremental', **laid_out('ingest_date', guarded=true)) }}

-- depends_on: {{ ref('int_days_begun') }}
with delivered as (
    select
        *,
        {{ row_hash([
            'complaint_id', 'customer_id', 'complaint_category', 'agent_id', 'resolution_status', 'request_date',
            'resolution_date', 'media_channel', 'generation_date'
        ]) }} as _row_hash
    from {{ delivered_by('social_media') }}
    where {{ is_day_to_build('ingest_date') }}
),

mended as (
    select
        *,
        {{ mended_timestamp('request_date') }} as requested_at,
        {{ mended_timestamp('resolution_date') }} as resolved_at,
        {{ mended_status('resolution_status') }} as mended_status
    from delivered
)

select
    {{ blank_to_null('complaint_id') }} as complaint_id,
    {{ lowered(blank_to_null('customer_id')) }} as customer_id,
    {{ mended_category('complaint_category') }} as complaint_category,
    {{ blank_to_null('agent_id') }} as agent_id,
    {{ canonical(
        'media_channel',
        ['Instagram', 'Twitter', 'Facebook', 'LinkedIn'],
        "coalesce(" ~ blank_to_null('media_channel') ~ ", 'Unknown')"
    ) }} as media_channel,
    requested_at,
    resolved_at,
    mended_status as resolution_status,
    {{ mended_date('generation_date') }} as generation_date,
    complaint_category as complaint_category_as_delivered,
    media_channel as media_channel_as_delivered,
    request_date as request_date_as_delivered,
    resolution_date as resolution_date_as_delivered,
    resolution_status as resolution_status_as_delivered,
    generation_date as generation_date_as_delivered,
    {{ is_unreadable('request_date', 'requested_at') }}
    or {{ is_unreadable('resolution_date', 'resolved_at') }} as has_unreadable_date,
    coalesce(cast(requested_at as date) > ingest_date, false) as has_future_date,
    (mended_status = 'Resolved') <> (resolved_at is not null)
    or coalesce(resolved_at < requested_at, false) as has_inconsistent_resolution,
    _row_hash,
    {{ in_utc('_ingested_at') }} as _ingested_at,
    _source_system,
    _source_uri,
    _run_id,
    _rescued,
    ingest_date
from mended
