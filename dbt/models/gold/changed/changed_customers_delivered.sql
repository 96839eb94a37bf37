{%- set is_changed = is_one_of('ingest_date', days_of(ref('changed_customer_days'), 'ingest_date')) -%}
-- Customers delivered on these days before and now, with all their deliveries as they are now.
with concerned as (
    select customer_key
    from {{ published('customer_deliveries') }}
    where {{ is_changed }}
    union all
    select customer_key
    from {{ ref('customer_deliveries') }}
    where {{ is_changed }}
),

customers as (
    select distinct customer_key
    from concerned
)

select
    customers.customer_key,
    max(now.ingest_date) as newest_date,
    cast(sum(now.delivered_rows) as {{ dbt.type_bigint() }}) as delivered_rows
from customers
left join {{ ref('customer_deliveries') }} as now
    on customers.customer_key = now.customer_key
group by customers.customer_key
