-- Of customers delivered on changed days the newest delivery, whole.
with delivered as (
    select
        *,
        coalesce(customer_id, 'no-id-' || _row_hash) as customer_key
    from {{ ref('stg_customers') }}
    where {{ is_one_of('ingest_date', days_of(ref('changed_customers_delivered'), 'newest_date')) }}
)

select
    delivered.*,
    changed.delivered_rows
from delivered
inner join {{ ref('changed_customers_delivered') }} as changed
    on delivered.customer_key = changed.customer_key and delivered.ingest_date = changed.newest_date
qualify row_number() over (partition by delivered.customer_key order by {{ newest_first('delivered') }}) = 1
