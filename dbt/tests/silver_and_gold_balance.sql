{%- set is_changed = is_one_of('reported_date', days_of(ref('changed_dates'), 'reported_date')) -%}
{%- set is_changed_day = is_one_of('ingest_date', days_of(ref('changed_complaint_days'), 'ingest_date')) -%}
-- Every delivered row is behind exactly one complaint, customer, agent or outage of Gold, duplicates and later
-- deliveries counted. Of complaints those that changed, and dates on which they were reported, are added up; small
-- tables whole.
with staged as (
    select
        coalesce(sum(case when feed = 'agents' then staged_rows end), 0) as agents,
        coalesce(sum(case when feed = 'customers' then staged_rows end), 0) as customers,
        coalesce(sum(case when feed = 'service_outages' then staged_rows end), 0) as outages
    from {{ ref('int_days_built') }}
),

clean as (
    select coalesce(sum(delivered_rows), 0) as delivered_rows
    from {{ ref('complaints_clean') }}
    where {{ is_changed_day }}
),

redelivered as (
    select
        coalesce(sum(case when not is_before then delivered_rows end), 0) as of_changed_days,
        coalesce(sum(case when is_now then delivered_rows end), 0) as delivered_rows,
        coalesce(sum(case when is_now then 1 else 0 end), 0) as deliveries
    from {{ ref('changed_deliveries') }}
),

built as (
    select
        coalesce(sum(delivered_rows), 0) as delivered_rows,
        coalesce(sum(deliveries), 0) as deliveries
    from {{ built(ref('fact_complaints')) }}
),

fact as (
    select
        count(*) as complaints,
        count(resolution_seconds) as timed
    from {{ ref('fact_complaints') }}
    where {{ is_changed }}
),

daily as (
    select coalesce(sum(complaints), 0) as complaints
    from {{ ref('agg_complaints_daily') }}
    where {{ is_changed }}
),

agents as (
    select
        coalesce(sum(complaints), 0) as complaints,
        coalesce(sum(timed), 0) as timed
    from {{ ref('agg_agent_performance') }}
    where {{ is_changed }}
),

times as (
    select coalesce(sum(complaints), 0) as timed
    from {{ ref('agg_resolution_time') }}
    where {{ is_changed }}
),

known as (
    select coalesce(sum(complaints - unknown_customer), 0) as complaints
    from {{ ref('agg_complaints_daily') }}
),

customers as (
    select coalesce(sum(complaints), 0) as complaints
    from {{ ref('customer_360') }}
),

categories as (
    select coalesce(sum(complaints), 0) as complaints
    from {{ ref('customer_categories') }}
),

repeats as (
    select coalesce(sum(complaints), 0) as complaints
    from {{ ref('agg_repeat_complaints') }}
),

customer_rows as (
    select coalesce(sum(delivered_rows), 0) as counted
    from {{ ref('dim_customer') }}
),

agent_rows as (
    select coalesce(sum(delivered_rows), 0) as counted
    from {{ ref('dim_agent') }}
    where is_current
),

outage_rows as (
    select
        coalesce(sum(delivered_rows), 0) as counted,
        count(*) as outages
    from {{ ref('fact_service_outages') }}
),

outages_counted as (
    select count(*) as outages
    from {{ ref('agg_complaints_per_outage') }}
),

balances as (
    {%- for balance, expected, found in [
        ('rows of changed days in complaints_clean = in complaint_deliveries', 'clean.delivered_rows', 'redelivered.of_changed_days'),
        ('rows of changed complaints = rows counted in fact_complaints', 'redelivered.delivered_rows', 'built.delivered_rows'),
        ('deliveries of changed complaints = counted in fact_complaints', 'redelivered.deliveries', 'built.deliveries'),
        ('complaints of changed dates = sum of agg_complaints_daily', 'fact.complaints', 'daily.complaints'),
        ('complaints of changed dates = sum of agg_agent_performance', 'fact.complaints', 'agents.complaints'),
        ('timed complaints of changed dates = sum of agg_agent_performance', 'fact.timed', 'agents.timed'),
        ('timed complaints of changed dates = sum of agg_resolution_time', 'fact.timed', 'times.timed'),
        ('complaints of known customers = sum of customer_360', 'known.complaints', 'customers.complaints'),
        ('complaints of known customers = sum of customer_categories', 'known.complaints', 'categories.complaints'),
        ('complaints of known customers = sum of agg_repeat_complaints', 'known.complaints', 'repeats.complaints'),
        ('customer rows staged = rows counted in dim_customer', 'staged.customers', 'customer_rows.counted'),
        ('agent rows staged = rows counted in dim_agent', 'staged.agents', 'agent_rows.counted'),
        ('outage rows staged = rows counted in fact_service_outages', 'staged.outages', 'outage_rows.counted'),
        ('outages = rows of agg_complaints_per_outage', 'outage_rows.outages', 'outages_counted.outages')
    ] %}
    {%- set left, right = expected.split('.'), found.split('.') %}
    select
        '{{ balance }}' as balance,
        (select {{ left[1] }} from {{ left[0] }}) as expected,
        (select {{ right[1] }} from {{ right[0] }}) as found
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    balance,
    expected,
    found
from balances
where expected <> found
