{{ config(materialized='published', **laid_out(within=['customer_key'])) }}

select
    customer_key,
    customer_name,
    gender,
    date_of_birth,
    signup_date,
    email,
    address_line,
    city,
    zip_code
from {{ ref('int_customers_newest') }}
