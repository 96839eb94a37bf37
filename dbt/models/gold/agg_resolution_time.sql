{{ config(materialized='table', **laid_out('reported_date', ['channel_key'])) }}

-- A fixed histogram: counts of it can be added over any days, channels and categories, medians cannot.
with complaints as (
    select
        reported_date,
        channel,
        channel_key,
        complaint_category,
        resolution_seconds
    from {{ ref('fact_complaints') }}
    where resolution_seconds is not null
),

buckets as (
    select
        hours_bucket,
        from_hours,
        to_hours,
        from_seconds,
        to_seconds
    from {{ ref('resolution_hours') }}
)

select
    complaints.reported_date,
    complaints.channel,
    complaints.channel_key,
    complaints.complaint_category,
    buckets.hours_bucket,
    buckets.from_hours,
    buckets.to_hours,
    {{ count_all() }} as complaints,
    cast(sum(complaints.resolution_seconds) as {{ dbt.type_bigint() }}) as resolution_seconds
from complaints
inner join buckets
    on
        complaints.resolution_seconds >= buckets.from_seconds
        and complaints.resolution_seconds < buckets.to_seconds
group by
    complaints.reported_date,
    complaints.channel,
    complaints.channel_key,
    complaints.complaint_category,
    buckets.hours_bucket,
    buckets.from_hours,
    buckets.to_hours
