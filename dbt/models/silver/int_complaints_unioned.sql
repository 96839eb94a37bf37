-- depends_on: {{ ref('int_days_built') }}
with calls as (
    select
        'call' as channel_key,
        'Call' as channel,
        cast(null as {{ dbt.type_string() }}) as media_channel,
        call_id as delivered_id,
        customer_id,
        agent_id,
        complaint_category,
        resolution_status,
        call_started_at as opened_at,
        call_ended_at as resolved_at,
        generation_date,
        complaint_category_as_delivered,
        resolution_status_as_delivered,
        call_start_time_as_delivered as opened_at_as_delivered,
        call_end_time_as_delivered as resolved_at_as_delivered,
        has_unreadable_date,
        has_future_date,
        has_inconsistent_resolution,
        _row_hash,
        _source_uri,
        _run_id,
        _ingested_at,
        ingest_date
    from {{ ref('stg_call_logs') }}
),

web_forms as (
    select
        'web_form' as channel_key,
        'Web form' as channel,
        cast(null as {{ dbt.type_string() }}) as media_channel,
        request_id as delivered_id,
        customer_id,
        agent_id,
        complaint_category,
        resolution_status,
        requested_at as opened_at,
        resolved_at,
        generation_date,
        complaint_category_as_delivered,
        resolution_status_as_delivered,
        request_date_as_delivered as opened_at_as_delivered,
        resolution_date_as_delivered as resolved_at_as_delivered,
        has_unreadable_date,
        has_future_date,
        has_inconsistent_resolution,
        _row_hash,
        _source_uri,
        _run_id,
        _ingested_at,
        ingest_date
    from {{ ref('stg_web_forms') }}
),

social_media as (
    select
        'social/' || {{ lowered('media_channel') }} as channel_key,
        'Social media' as channel,
        media_channel,
        complaint_id as delivered_id,
        customer_id,
        agent_id,
        complaint_category,
        resolution_status,
        requested_at as opened_at,
        resolved_at,
        generation_date,
        complaint_category_as_delivered,
        resolution_status_as_delivered,
        request_date_as_delivered as opened_at_as_delivered,
        resolution_date_as_delivered as resolved_at_as_delivered,
        has_unreadable_date,
        has_future_date,
        has_inconsistent_resolution,
        _row_hash,
        _source_uri,
        _run_id,
        _ingested_at,
        ingest_date
    from {{ ref('stg_social_media') }}
),

unioned as (
    select * from calls
    union all
    select * from web_forms
    union all
    select * from social_media
    {%- for channel in described_channels() %}
    union all
    select * from {{ described_complaints(channel) }}
    {%- endfor %}
)

select
    channel,
    channel_key,
    media_channel,
    -- Two different rows without an id are two complaints, not duplicates of one.
    coalesce(delivered_id, 'no-id-' || _row_hash) as complaint_id,
    customer_id,
    agent_id,
    complaint_category,
    resolution_status,
    opened_at,
    case when resolution_status = 'Resolved' then resolved_at end as resolved_at,
    generation_date,
    complaint_category_as_delivered,
    resolution_status_as_delivered,
    opened_at_as_delivered,
    resolved_at_as_delivered,
    delivered_id is null as has_generated_id,
    has_unreadable_date,
    has_future_date,
    has_inconsistent_resolution,
    _row_hash,
    _source_uri,
    _run_id,
    _ingested_at,
    ingest_date
from unioned
