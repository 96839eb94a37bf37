{{ config(
    materialized='published',
    meta=changed_by('changed_complaints', ['channel', 'complaint_id'], 'reported_date', 'was_reported_date'),
    **laid_out('reported_date', ['channel', 'customer_key'])
) }}

with complaints as (
    select
        clean.*,
        changed.reported_date,
        changed.deliveries,
        changed.delivered_rows as all_delivered_rows
    from {{ ref('complaints_clean') }} as clean
    inner join {{ ref('changed_complaints') }} as changed
        on
            clean.channel = changed.channel
            and clean.complaint_id = changed.complaint_id
            and clean.ingest_date = changed.newest_date
    where {{ is_one_of('clean.ingest_date', days_of(ref('changed_complaints'), 'newest_date')) }}
),

customers as (
    select
        customer_key,
        customer_id
    from {{ ref('dim_customer') }}
),

-- In which state a customer was: from the first delivery on that says so, and from the beginning as the first one says.
states as (
    select
        deliveries.customer_key,
        deliveries.state_code,
        case
            when lag(deliveries.ingest_date) over (
                partition by deliveries.customer_key order by deliveries.ingest_date
            ) is null then date '1900-01-01'
            else deliveries.ingest_date
        end as valid_from,
        lead(deliveries.ingest_date, 1, date '9999-12-31') over (
            partition by deliveries.customer_key order by deliveries.ingest_date
        ) as valid_to
    from {{ ref('customer_deliveries') }} as deliveries
    inner join (select distinct customer_id from complaints) as complaining
        on deliveries.customer_key = complaining.customer_id
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
        states.state_code as customer_state_code,
        case
            when complaints.resolved_at >= complaints.opened_at
                then {{ dbt.datediff('complaints.opened_at', 'complaints.resolved_at', 'second') }}
        end as resolution_seconds
    from complaints
    left join customers
        on complaints.customer_id = customers.customer_id
    left join states
        on
            complaints.customer_id = states.customer_key
            and coalesce(cast(complaints.opened_at as date), complaints.reported_date) >= states.valid_from
            and coalesce(cast(complaints.opened_at as date), complaints.reported_date) < states.valid_to
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
    customer_state_code,
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
