{{ config(materialized='table', **laid_out(within=['customer_key'])) }}

with customers as (
    select
        customer_key,
        customer_id,
        customer_name,
        gender,
        date_of_birth,
        signup_date,
        email,
        email_was_repaired,
        has_valid_email,
        address_line,
        city,
        state_code,
        zip_code,
        is_military_address,
        has_readable_address,
        false as is_unknown,
        cast(delivered_rows as {{ dbt.type_bigint() }}) as delivered_rows,
        ingest_date
    from {{ ref('int_customers_newest') }}
),

unknown as (
    select
        'unknown' as customer_key,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        'Unknown customer' as customer_name,
        cast(null as {{ dbt.type_string() }}) as gender,
        cast(null as date) as date_of_birth,
        cast(null as date) as signup_date,
        cast(null as {{ dbt.type_string() }}) as email,
        false as email_was_repaired,
        false as has_valid_email,
        cast(null as {{ dbt.type_string() }}) as address_line,
        cast(null as {{ dbt.type_string() }}) as city,
        cast(null as {{ dbt.type_string() }}) as state_code,
        cast(null as {{ dbt.type_string() }}) as zip_code,
        false as is_military_address,
        false as has_readable_address,
        true as is_unknown,
        cast(0 as {{ dbt.type_bigint() }}) as delivered_rows,
        cast(null as date) as ingest_date
)

select * from customers
union all
select * from unknown
