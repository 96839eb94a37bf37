{{ config(
    materialized='published',
    meta=changed_by('changed_customers_delivered', ['customer_key']),
    **laid_out(within=['customer_key'])
) }}

with customers as (
    select
        customer_key,
        customer_id,
        {{ year_of('date_of_birth') }} as birth_year,
        {{ month_of('signup_date') }} as signup_month,
        email_was_repaired,
        has_valid_email,
        state_code,
        is_military_address,
        has_readable_address,
        false as is_unknown,
        cast(delivered_rows as {{ dbt.type_bigint() }}) as delivered_rows,
        ingest_date
    from {{ ref('changed_customers_newest') }}
),

unknown as (
    select
        'unknown' as customer_key,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        cast(null as {{ dbt.type_bigint() }}) as birth_year,
        cast(null as date) as signup_month,
        false as email_was_repaired,
        false as has_valid_email,
        cast(null as {{ dbt.type_string() }}) as state_code,
        false as is_military_address,
        false as has_readable_address,
        true as is_unknown,
        cast(0 as {{ dbt.type_bigint() }}) as delivered_rows,
        cast(null as date) as ingest_date
)

select * from customers
{%- if is_anew() %}
union all
select * from unknown
{%- endif %}
