{{ config(
    materialized='published',
    meta=changed_by('changed_dates', ['reported_date'], 'reported_date'),
    **laid_out('reported_date', ['channel_key'])
) }}

-- A fixed histogram: counts of it can be added over any days, channels and categories, medians cannot.
with complaints as (
    select
        reported_date,
        channel,
        channel_key,
        complaint_category,
        resolution_seconds
    from {{ ref('fact_complaints') }}
    where
        resolution_seconds is not null
        and {{ is_one_of('reported_date', days_of(ref('changed_dates'), 'reported_date')) }}
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
    facts.reported_date,
    facts.channel,
    facts.channel_key,
    facts.complaint_category,
    buckets.hours_bucket,
    buckets.from_hours,
    buckets.to_hours,
    {{ count_all() }} as complaints,
    cast(sum(facts.resolution_seconds) as {{ dbt.type_bigint() }}) as resolution_seconds
from complaints as facts
inner join buckets
    on
        facts.resolution_seconds >= buckets.from_seconds
        and facts.resolution_seconds < buckets.to_seconds
group by
    facts.reported_date,
    facts.channel,
    facts.channel_key,
    facts.complaint_category,
    buckets.hours_bucket,
    buckets.from_hours,
    buckets.to_hours
