-- Customers whose state, at any time, is not the published one, or who appeared or vanished: their complaints change.
with deliveries as (
    {%- for table, is_now in ((published('customer_deliveries'), 'false'), (ref('customer_deliveries'), 'true')) %}
    select
        deliveries.customer_key,
        coalesce(deliveries.state_code, '') as state_code,
        deliveries.ingest_date,
        {{ is_now }} as is_now
    from {{ table }} as deliveries
    inner join {{ ref('changed_customers_delivered') }} as changed
        on deliveries.customer_key = changed.customer_key
    {%- if not loop.last %}
    union all
    {%- endif -%}
    {%- endfor %}
),

compared as (
    select
        *,
        lag(state_code) over (partition by is_now, customer_key order by ingest_date) as state_before
    from deliveries
),

moves as (
    select
        customer_key,
        state_code,
        case when state_before is null then date '1900-01-01' else ingest_date end as valid_from,
        is_now
    from compared
    where state_before is null or state_before <> state_code
),

counted as (
    select
        customer_key,
        state_code,
        valid_from,
        sum(case when is_now then 1 else -1 end) as difference
    from moves
    group by customer_key, state_code, valid_from
)

select distinct customer_key
from counted
where difference <> 0
