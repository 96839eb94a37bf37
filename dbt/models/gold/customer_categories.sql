{{ config(
    materialized='published',
    meta=changed_by('changed_customer_categories', ['customer_key', 'complaint_category']),
    **laid_out(within=['customer_key'])
) }}

select
    customer_key,
    complaint_category,
    complaints
from {{ ref('changed_customer_categories') }}
where complaints > 0
