{{ config(
    materialized='published',
    meta=changed_by('changed_customers_counted', ['customer_key']),
    **laid_out(within=['customer_key'])
) }}

-- depends_on: {{ ref('fact_complaints') }}
with measures as (
    select
        customer_key,
        first_reported_date,
        last_reported_date,
        last_category,
        last_status,
        last_channel,
        last_opened_at,
        last_complaint_id
    from {{ ref('changed_measures') }}
    where not needs_history
    {%- if has_rows(ref('changed_measures'), 'needs_history') %}
    union all
    select
        fact.customer_key,
        min(fact.reported_date) over (partition by fact.customer_key) as first_reported_date,
        fact.reported_date as last_reported_date,
        fact.complaint_category as last_category,
        fact.resolution_status as last_status,
        fact.channel as last_channel,
        fact.opened_at as last_opened_at,
        fact.complaint_id as last_complaint_id
    from {{ ref('fact_complaints') }} as fact
    inner join {{ ref('changed_measures') }} as changed
        on fact.customer_key = changed.customer_key and changed.needs_history
    where fact.has_known_customer
    qualify row_number() over (
        partition by fact.customer_key
        order by fact.reported_date desc, fact.opened_at desc nulls last, fact.channel asc, fact.complaint_id asc
    ) = 1
    {%- endif %}
),

categories as (
    select
        was.customer_key,
        {{ count_all() }} as categories
    from {{ ref('customer_categories') }} as was
    inner join {{ ref('changed_customers_counted') }} as changed
        on was.customer_key = changed.customer_key
    group by was.customer_key
)

select
    customers.customer_key,
    customers.customer_id,
    customers.birth_year,
    customers.state_code,
    customers.signup_month,
    {%- for measure in ['complaints', 'resolved', 'calls', 'web_forms', 'social_media'] %}
    cast(counted.{{ measure }} as {{ dbt.type_bigint() }}) as {{ measure }},
    {%- endfor %}
    cast(counted.complaints - counted.resolved as {{ dbt.type_bigint() }}) as open_complaints,
    coalesce(categories.categories, 0) as categories,
    counted.complaints >= 2 as has_complained_again,
    measures.first_reported_date,
    measures.last_reported_date,
    measures.last_category,
    measures.last_status,
    measures.last_channel,
    measures.last_opened_at,
    measures.last_complaint_id
from {{ ref('dim_customer') }} as customers
inner join {{ ref('changed_measures') }} as counted
    on customers.customer_key = counted.customer_key
left join measures
    on customers.customer_key = measures.customer_key
left join categories
    on customers.customer_key = categories.customer_key
