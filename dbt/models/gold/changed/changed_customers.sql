-- Known customers of whom a complaint changed.
select distinct customer_key
from {{ ref('changed_facts') }}
where has_known_customer
