{%- set is_changed = is_one_of('ingest_date', days_of(ref('changed_complaint_days'), 'ingest_date')) -%}
-- Complaints that these days can change, with all their deliveries before and now. The one look at all of history: at
-- the key columns of complaint_deliveries.
with concerned as (
    select
        channel,
        complaint_id
    from {{ published('complaint_deliveries') }}
    where {{ is_changed }}
    union all
    select
        channel,
        complaint_id
    from {{ ref('complaints_clean') }}
    where {{ is_changed }}
    {%- if has_rows(ref('changed_customer_states')) %}
    union all
    select
        fact.channel,
        fact.complaint_id
    from {{ published('fact_complaints') }} as fact
    inner join {{ ref('changed_customer_states') }} as customers
        on fact.customer_id = customers.customer_key
    {%- endif %}
    {%- if has_rows(ref('changed_agents')) %}
    union all
    select
        fact.channel,
        fact.complaint_id
    from {{ published('fact_complaints') }} as fact
    inner join {{ ref('changed_agents') }} as agents
        on
            fact.agent_id = agents.agent_id
            and fact.ingest_date >= agents.from_date
            and fact.ingest_date < agents.to_date
    {%- endif %}
),

keys as (
    select distinct
        channel,
        complaint_id
    from concerned
)

select
    was.channel,
    was.complaint_id,
    was.ingest_date,
    was.delivered_rows,
    true as is_before,
    not({{ is_changed | replace('ingest_date', 'was.ingest_date') }}) as is_now
from {{ published('complaint_deliveries') }} as was
inner join keys
    on was.channel = keys.channel and was.complaint_id = keys.complaint_id
union all
select
    channel,
    complaint_id,
    ingest_date,
    cast(delivered_rows as {{ dbt.type_bigint() }}) as delivered_rows,
    false as is_before,
    true as is_now
from {{ ref('complaints_clean') }}
where {{ is_changed }}
