with changed as (
    select
        customer_key,
        complaint_category,
        sum(sign) as complaints
    from {{ ref('changed_facts') }}
    where has_known_customer
    group by customer_key, complaint_category
)

select
    changed.customer_key,
    changed.complaint_category,
    cast(coalesce(was.complaints, 0) + changed.complaints as {{ dbt.type_bigint() }}) as complaints
from changed
left join {{ published('customer_categories') }} as was
    on changed.customer_key = was.customer_key and changed.complaint_category = was.complaint_category
