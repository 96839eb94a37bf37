select customer_key
from {{ ref('changed_customers') }}
union distinct
select customer_key
from {{ ref('changed_customers_delivered') }}
