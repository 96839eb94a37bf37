{{ config(
    materialized='published',
    meta=changed_by('changed_outages', ['outage_id']),
) }}

-- A complaint opened while two outages of its customer's state lasted counts for both. One that was reported before the
-- first day counted was not opened on it, whatever it says: so the older partitions need not be read.
with outages as (
    select
        outages.*,
        changed.is_redefined,
        outages.has_known_region and outages.known_until is not null as is_countable,
        cast(outages.started_at as date) as started_date
    from {{ ref('fact_service_outages') }} as outages
    inner join {{ ref('changed_outages') }} as changed
        on outages.outage_id = changed.outage_id
),

-- Of an outage that is not as published all complaints, of another those that changed.
complaints as (
    select
        customer_state_code,
        channel,
        complaint_category,
        reported_date,
        opened_at,
        1 as sign,
        true as is_redefined
    from {{ ref('fact_complaints') }}
    where
        customer_state_code is not null
        and opened_at is not null
        and {{ is_from('reported_date', days_of(ref('changed_outages'), 'first_counted')) }}
    union all
    select
        customer_state_code,
        channel,
        complaint_category,
        reported_date,
        opened_at,
        sign,
        false as is_redefined
    from {{ ref('changed_facts') }}
    where customer_state_code is not null and opened_at is not null
),

counted as (
    select
        outages.outage_id,
        complaints.channel,
        complaints.complaint_category,
        case when complaints.opened_at >= outages.started_at then complaints.sign else 0 end as during,
        case when cast(complaints.opened_at as date) < outages.started_date then complaints.sign else 0 end as earlier
    from outages
    inner join complaints
        on
            outages.state_code = complaints.customer_state_code
            and outages.is_redefined = complaints.is_redefined
            and outages.known_until > complaints.opened_at
            and {{ first_counted('outages') }} <= cast(complaints.opened_at as date)
            and {{ first_counted('outages') }} <= complaints.reported_date
    where outages.is_countable
),

sums as (
    select
        outage_id,
        sum(during) as complaints,
        sum(case when complaint_category = 'Network Failure' then during else 0 end) as network_failures,
        sum(case when channel = 'Call' then during else 0 end) as calls,
        sum(case when channel = 'Web form' then during else 0 end) as web_forms,
        sum(case when channel = 'Social media' then during else 0 end) as social_media,
        sum(earlier) as complaints_28_days_before
    from counted
    group by outage_id
)

select
    outages.outage_id,
    outages.service,
    outages.cause,
    outages.region,
    outages.state_code,
    outages.reported_date,
    outages.started_at,
    outages.known_until,
    outages.has_ended,
    outages.customers_affected,
    cast({{ dbt.datediff('outages.started_at', 'outages.known_until', 'second') }} as {{ dbt.type_bigint() }})
        as counted_seconds
    {%- for column in [
        'complaints', 'network_failures', 'calls', 'web_forms', 'social_media', 'complaints_28_days_before'
    ] %}
    {%- set both = 'coalesce(was.' ~ column ~ ', 0) + coalesce(sums.' ~ column ~ ', 0)' %},
    case when outages.is_countable then cast({{ both }} as {{ dbt.type_bigint() }}) end as {{ column }}
    {%- endfor %}
from outages
left join sums
    on outages.outage_id = sums.outage_id
left join {{ published('agg_complaints_per_outage') }} as was
    on outages.outage_id = was.outage_id and not outages.is_redefined
