-- A complaint's number among its customer's own: counts of it can be added over any selection, customers cannot.
with complaints as (
    select
        reported_date,
        channel,
        channel_key,
        complaint_category,
        row_number() over (
            partition by customer_key
            order by reported_date asc, opened_at asc nulls last, channel asc, complaint_id asc
        ) as nth
    from {{ ref('fact_complaints') }}
    where has_known_customer
),

numbered as (
    select
        reported_date,
        channel,
        channel_key,
        complaint_category,
        cast(case when nth < 5 then nth else 5 end as {{ dbt.type_bigint() }}) as complaint_number
    from complaints
)

select
    reported_date,
    channel,
    channel_key,
    complaint_category,
    complaint_number,
    {{ count_all() }} as complaints
from numbered
group by reported_date, channel, channel_key, complaint_category, complaint_number
