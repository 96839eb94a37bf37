-- A complaint opened while two outages of its customer's state lasted counts for both.
with outages as (
    select
        *,
        has_known_region and known_until is not null as is_countable,
        cast(started_at as date) as started_date
    from {{ ref('fact_service_outages') }}
),

complaints as (
    select
        facts.customer_key,
        facts.channel,
        facts.complaint_category,
        facts.opened_at,
        customers.state_code
    from {{ ref('fact_complaints') }} as facts
    inner join {{ ref('dim_customer') }} as customers
        on facts.customer_key = customers.customer_key
    where customers.state_code is not null and facts.opened_at is not null
),

during as (
    select
        outages.outage_id,
        {{ count_all() }} as complaints,
        {{ count_where("complaints.complaint_category = 'Network Failure'") }} as network_failures,
        {{ count_where("complaints.channel = 'Call'") }} as calls,
        {{ count_where("complaints.channel = 'Web form'") }} as web_forms,
        {{ count_where("complaints.channel = 'Social media'") }} as social_media,
        cast(count(distinct complaints.customer_key) as {{ dbt.type_bigint() }}) as customers
    from outages
    inner join complaints
        on
            outages.state_code = complaints.state_code
            and outages.started_at <= complaints.opened_at
            and outages.known_until > complaints.opened_at
    group by outages.outage_id
),

daily as (
    select
        state_code,
        cast(opened_at as date) as opened_date,
        {{ count_all() }} as complaints
    from complaints
    group by state_code, cast(opened_at as date)
),

before as (
    select
        outages.outage_id,
        cast(sum(daily.complaints) as {{ dbt.type_bigint() }}) as complaints
    from outages
    inner join daily
        on
            outages.state_code = daily.state_code
            and outages.started_date > daily.opened_date
            and {{ dbt.dateadd('day', -28, 'outages.started_date') }} <= daily.opened_date
    group by outages.outage_id
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
        as counted_seconds,
    {%- for column in ['complaints', 'network_failures', 'calls', 'web_forms', 'social_media', 'customers'] %}
    case when outages.is_countable then coalesce(during.{{ column }}, 0) end as {{ column }},
    {%- endfor %}
    case when outages.is_countable then coalesce(before.complaints, 0) end as complaints_28_days_before
from outages
left join during
    on outages.outage_id = during.outage_id
left join before
    on outages.outage_id = before.outage_id
