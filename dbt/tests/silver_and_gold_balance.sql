-- All days: every delivered row is behind exactly one complaint, customer, agent or outage of Gold, duplicates and
-- later deliveries counted.
with staged as (
    select
        coalesce(sum(case when feed = 'agents' then staged_rows end), 0) as agents,
        coalesce(sum(case when feed = 'customers' then staged_rows end), 0) as customers,
        coalesce(sum(case when feed = 'service_outages' then staged_rows end), 0) as outages,
        coalesce(sum(case when feed in ('{{ feeds_of_complaints() | join("', '") }}') then staged_rows end), 0)
            as complaints
    from {{ ref('int_days_built') }}
),

clean as (
    select
        coalesce(sum(delivered_rows), 0) as delivered_rows,
        count(*) as deliveries
    from {{ ref('complaints_clean') }}
),

fact as (
    select
        coalesce(sum(delivered_rows), 0) as delivered_rows,
        coalesce(sum(deliveries), 0) as deliveries,
        count(*) as complaints,
        count(resolution_seconds) as timed,
        coalesce(sum(case when has_known_customer then 1 else 0 end), 0) as of_known_customers
    from {{ ref('fact_complaints') }}
),

daily as (
    select coalesce(sum(complaints), 0) as complaints from {{ ref('agg_complaints_daily') }}
),

agents as (
    select
        coalesce(sum(complaints), 0) as complaints,
        coalesce(sum(timed), 0) as timed
    from {{ ref('agg_agent_performance') }}
),

times as (
    select coalesce(sum(complaints), 0) as timed from {{ ref('agg_resolution_time') }}
),

customers as (
    select
        coalesce(sum(complaints), 0) as complaints,
        coalesce(sum(case when complaints >= 1 then 1 else 0 end), 0) as who_complained,
        coalesce(sum(case when has_complained_again then 1 else 0 end), 0) as who_complained_again
    from {{ ref('customer_360') }}
),

repeats as (
    select
        coalesce(sum(complaints), 0) as complaints,
        coalesce(sum(case when complaint_number = 1 then complaints end), 0) as first_ones,
        coalesce(sum(case when complaint_number = 2 then complaints end), 0) as second_ones
    from {{ ref('agg_repeat_complaints') }}
),

customer_rows as (
    select
        (select customers from staged) as staged,
        (select coalesce(sum(delivered_rows), 0) from {{ ref('dim_customer') }}) as counted
),

agent_rows as (
    select
        (select agents from staged) as staged,
        (
            select coalesce(sum(delivered_rows), 0)
            from {{ ref('dim_agent') }}
            where is_current
        ) as counted
),

outage_rows as (
    select
        (select outages from staged) as staged,
        (select coalesce(sum(delivered_rows), 0) from {{ ref('fact_service_outages') }}) as counted,
        (select count(*) from {{ ref('fact_service_outages') }}) as outages,
        (select count(*) from {{ ref('agg_complaints_per_outage') }}) as counted_for
),

balances as (
    select
        'rows staged = rows counted in complaints_clean' as balance,
        (select complaints from staged) as expected,
        (select delivered_rows from clean) as found
    union all
    select
        'rows counted in complaints_clean = rows counted in fact_complaints' as balance,
        (select delivered_rows from clean) as expected,
        (select delivered_rows from fact) as found
    union all
    select
        'rows of complaints_clean = deliveries counted in fact_complaints' as balance,
        (select deliveries from clean) as expected,
        (select deliveries from fact) as found
    union all
    select
        'complaints = sum of agg_complaints_daily' as balance,
        (select complaints from fact) as expected,
        (select complaints from daily) as found
    union all
    select
        'complaints = sum of agg_agent_performance' as balance,
        (select complaints from fact) as expected,
        (select complaints from agents) as found
    union all
    select
        'timed complaints = sum of agg_agent_performance' as balance,
        (select timed from fact) as expected,
        (select timed from agents) as found
    union all
    select
        'timed complaints = sum of agg_resolution_time' as balance,
        (select timed from fact) as expected,
        (select timed from times) as found
    union all
    select
        'complaints of known customers = sum of customer_360' as balance,
        (select of_known_customers from fact) as expected,
        (select complaints from customers) as found
    union all
    select
        'complaints of known customers = sum of agg_repeat_complaints' as balance,
        (select of_known_customers from fact) as expected,
        (select complaints from repeats) as found
    union all
    select
        'customers who complained = first complaints in agg_repeat_complaints' as balance,
        (select who_complained from customers) as expected,
        (select first_ones from repeats) as found
    union all
    select
        'customers who complained again = second complaints in agg_repeat_complaints' as balance,
        (select who_complained_again from customers) as expected,
        (select second_ones from repeats) as found
    union all
    select
        'customer rows staged = rows counted in dim_customer' as balance,
        (select staged from customer_rows) as expected,
        (select counted from customer_rows) as found
    union all
    select
        'agent rows staged = rows counted in dim_agent' as balance,
        (select staged from agent_rows) as expected,
        (select counted from agent_rows) as found
    union all
    select
        'outage rows staged = rows counted in fact_service_outages' as balance,
        (select staged from outage_rows) as expected,
        (select counted from outage_rows) as found
    union all
    select
        'outages = rows of agg_complaints_per_outage' as balance,
        (select outages from outage_rows) as expected,
        (select counted_for from outage_rows) as found
)

select
    balance,
    expected,
    found
from balances
where expected <> found
