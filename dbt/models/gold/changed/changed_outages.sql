-- Outages that are not as published, and of the others those for which a complaint that changed is counted.
with redefined as (
    select coalesce(now.outage_id, was.outage_id) as outage_id
    from {{ ref('fact_service_outages') }} as now
    full outer join {{ published('fact_service_outages') }} as was
        on now.outage_id = was.outage_id
    where
        now.outage_id is null
        or was.outage_id is null
        {%- for column in [
            'service', 'cause', 'region', 'state_code', 'reported_date', 'started_at', 'known_until', 'customers_affected'
        ] %}
        or now.{{ column }} is distinct from was.{{ column }}
        {%- endfor %}
),

others as (
    select distinct outages.outage_id
    from {{ ref('fact_service_outages') }} as outages
    inner join {{ ref('changed_facts') }} as facts
        on
            outages.state_code = facts.customer_state_code
            and outages.known_until > facts.opened_at
            and {{ first_counted('outages') }} <= cast(facts.opened_at as date)
            and {{ first_counted('outages') }} <= facts.reported_date
    where outages.outage_id not in (select redefined.outage_id from redefined)
),

changed as (
    select
        outage_id,
        true as is_redefined
    from redefined
    union all
    select
        outage_id,
        false as is_redefined
    from others
)

select
    changed.outage_id,
    changed.is_redefined,
    case when changed.is_redefined then {{ first_counted('outages') }} end as first_counted
from changed
left join {{ ref('fact_service_outages') }} as outages
    on changed.outage_id = outages.outage_id
