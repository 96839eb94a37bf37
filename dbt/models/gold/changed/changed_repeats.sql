{%- set days = days_of(ref('changed_dates'), 'reported_date') -%}
{%- set is_counted = is_one_of('reported_date', days_around(days, 0, 30)) -%}
{%- set columns %}
        customer_key,
        reported_date,
        opened_at,
        channel,
        channel_key,
        complaint_category,
        complaint_id
{%- endset -%}
-- A complaint's number among its customer's of the 30 days up to it: counts of it can be added over any selection,
-- customers cannot. What changed shifts the numbers of the 30 days after it, of its customers alone.
with complaints as (
    select
        {{ columns }},
        -1 as sign
    from {{ published('fact_complaints') }}
    where has_known_customer and {{ is_one_of('reported_date', days_around(days, 30, 30)) }}
    union all
    select
        {{ columns }},
        1 as sign
    from {{ ref('fact_complaints') }}
    where has_known_customer and {{ is_one_of('reported_date', days_around(days, 30, 30)) }}
),

of_changed_customers as (
    select
        complaints.*,
        {{ dbt.datediff("date '1900-01-01'", 'complaints.reported_date', 'day') }} as day_number
    from complaints
    inner join {{ ref('changed_customers') }} as customers
        on complaints.customer_key = customers.customer_key
),

numbered as (
    select
        *,
        row_number() over (
            partition by sign, customer_key
            order by reported_date asc, opened_at asc nulls last, channel asc, complaint_id asc
        ) - count(*) over (
            partition by sign, customer_key
            order by day_number asc
            range between unbounded preceding and 31 preceding
        ) as nth
    from of_changed_customers
),

changed as (
    select
        reported_date,
        channel,
        channel_key,
        complaint_category,
        case when nth < 5 then nth else 5 end as complaint_number,
        sum(sign) as complaints
    from numbered
    where {{ is_counted }}
    group by reported_date, channel, channel_key, complaint_category, case when nth < 5 then nth else 5 end
),

published as (
    select *
    from {{ published('agg_repeat_complaints') }}
    where {{ is_counted }}
)

select
    changed.reported_date,
    changed.channel,
    changed.channel_key,
    changed.complaint_category,
    cast(changed.complaint_number as {{ dbt.type_bigint() }}) as complaint_number,
    cast(coalesce(was.complaints, 0) + changed.complaints as {{ dbt.type_bigint() }}) as complaints
from changed
left join published as was
    on
        changed.reported_date = was.reported_date
        and changed.channel_key = was.channel_key
        and changed.complaint_category = was.complaint_category
        and changed.complaint_number = was.complaint_number
where changed.complaints <> 0
