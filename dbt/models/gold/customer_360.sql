{{ config(materialized='published', **laid_out(within=['customer_key'])) }}

with customers as (
    select *
    from {{ ref('dim_customer') }}
    where not is_unknown
),

complaints as (
    select
        *,
        row_number() over (
            partition by customer_key
            order by reported_date desc, opened_at desc nulls last, channel asc, complaint_id asc
        ) as recency
    from {{ ref('fact_complaints') }}
    where has_known_customer
),

by_customer as (
    select
        customer_key,
        {{ count_all() }} as complaints,
        {{ count_where('is_resolved') }} as resolved,
        {{ count_where("channel = 'Call'") }} as calls,
        {{ count_where("channel = 'Web form'") }} as web_forms,
        {{ count_where("channel = 'Social media'") }} as social_media,
        cast(count(distinct complaint_category) as {{ dbt.type_bigint() }}) as categories,
        min(reported_date) as first_reported_date,
        max(reported_date) as last_reported_date,
        max(case when recency = 1 then complaint_category end) as last_category,
        max(case when recency = 1 then resolution_status end) as last_status,
        max(case when recency = 1 then channel end) as last_channel
    from complaints
    group by customer_key
)

select
    customers.customer_key,
    customers.customer_id,
    customers.birth_year,
    customers.state_code,
    customers.signup_month,
    coalesce(by_customer.complaints, 0) as complaints,
    coalesce(by_customer.resolved, 0) as resolved,
    coalesce(by_customer.complaints - by_customer.resolved, 0) as open_complaints,
    coalesce(by_customer.calls, 0) as calls,
    coalesce(by_customer.web_forms, 0) as web_forms,
    coalesce(by_customer.social_media, 0) as social_media,
    coalesce(by_customer.categories, 0) as categories,
    coalesce(by_customer.complaints >= 2, false) as has_complained_again,
    by_customer.first_reported_date,
    by_customer.last_reported_date,
    by_customer.last_category,
    by_customer.last_status,
    by_customer.last_channel
from customers
left join by_customer
    on customers.customer_key = by_customer.customer_key
