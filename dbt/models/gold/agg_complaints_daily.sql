{{ config(
    materialized='published',
    meta=changed_by('changed_dates', ['reported_date'], 'reported_date'),
    **laid_out('reported_date', ['channel_key'])
) }}

select
    reported_date,
    channel,
    channel_key,
    complaint_category,
    {{ count_all() }} as complaints,
    {{ count_where("resolution_status = 'Resolved'") }} as resolved,
    {{ count_where("resolution_status = 'In-Progress'") }} as in_progress,
    {{ count_where("resolution_status = 'Backlog'") }} as backlog,
    {{ count_where("resolution_status = 'Blocked'") }} as blocked,
    {{ count_where("resolution_status = 'Unknown'") }} as unknown_status,
    {{ count_where('not has_known_customer') }} as unknown_customer,
    {{ count_where('not has_known_agent') }} as unknown_agent,
    {{ count_where('deliveries > 1') }} as delivered_again
from {{ ref('fact_complaints') }}
where {{ is_one_of('reported_date', days_of(ref('changed_dates'), 'reported_date')) }}
group by reported_date, channel, channel_key, complaint_category
