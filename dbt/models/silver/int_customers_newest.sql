-- depends_on: {{ ref('int_days_built') }}
select
    *,
    coalesce(customer_id, 'no-id-' || _row_hash) as customer_key,
    count(*) over (partition by coalesce(customer_id, 'no-id-' || _row_hash)) as delivered_rows
from {{ ref('stg_customers') }}
qualify
    row_number() over (
        partition by coalesce(customer_id, 'no-id-' || _row_hash) order by {{ newest_first() }}
    ) = 1
