{{ config(
    materialized='published',
    meta=changed_by('changed_customer_days', ['ingest_date'], 'ingest_date'),
    **laid_out('ingest_date', ['customer_key'])
) }}

with delivered as (
    select
        coalesce(customer_id, 'no-id-' || _row_hash) as customer_key,
        state_code,
        count(*) over (
            partition by ingest_date, coalesce(customer_id, 'no-id-' || _row_hash)
        ) as delivered_rows,
        row_number() over (
            partition by ingest_date, coalesce(customer_id, 'no-id-' || _row_hash) order by {{ newest_first() }}
        ) as recency,
        ingest_date
    from {{ ref('stg_customers') }}
    where {{ is_one_of('ingest_date', days_of(ref('changed_customer_days'), 'ingest_date')) }}
)

select
    customer_key,
    state_code,
    cast(delivered_rows as {{ dbt.type_bigint() }}) as delivered_rows,
    ingest_date
from delivered
where recency = 1
