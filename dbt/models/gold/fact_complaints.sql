{{ config(materialized='published', **laid_out('reported_date', ['channel', 'customer_key'])) }}

with complaints as (
    select *
    from {{ ref('int_complaints_newest') }}
),

customers as (
    select
        customer_key,
        customer_id
    from {{ ref('dim_customer') }}
),

agents as (
    select
        agent_key,
        agent_id,
        valid_from,
        valid_to
    from {{ ref('dim_agent') }}
),

joined as (
    select
        complaints.*,
        coalesce(customers.customer_key, 'unknown') as customer_key,
        coalesce(agents.agent_key, 'unknown') as agent_key,
        case
            when complaints.resolved_at >= complaints.opened_at
                then {{ dbt.datediff('complaints.opened_at', 'complaints.resolved_at', 'second') }}
        end as resolution_seconds
    from complaints
    left join customers
        on complaints.customer_id = customers.customer_id
    left join agents
        on
            complaints.agent_id = agents.agent_id
            and complaints.ingest_date >= agents.valid_from
            and complaints.ingest_date < agents.valid_to
)

select
    channel,
    complaint_id,
    channel_key,
    customer_key,
    agent_key,
    customer_id,
    agent_id,
    complaint_category,
    resolution_status,
    resolution_status = 'Resolved' as is_resolved,
    reported_date,
    opened_at,
    resolved_at,
    cast(resolution_seconds as {{ dbt.type_bigint() }}) as resolution_seconds,
    customer_key <> 'unknown' as has_known_customer,
    agent_key <> 'unknown' as has_known_agent,
    has_generated_id,
    has_unreadable_date,
    has_future_date,
    has_inconsistent_resolution,
    cast(deliveries as {{ dbt.type_bigint() }}) as deliveries,
    cast(all_delivered_rows as {{ dbt.type_bigint() }}) as delivered_rows,
    ingest_date,
    _ingested_at,
    _run_id
from joined
