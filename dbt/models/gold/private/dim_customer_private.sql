{{ config(
    materialized='published',
    meta=changed_by('changed_customers_delivered', ['customer_key']),
    **laid_out(within=['customer_key'])
) }}

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
from {{ ref('changed_customers_newest') }}
