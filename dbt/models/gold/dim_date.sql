-- Whole years, from the one before the first day reported (complaints are up to eleven months old) to the last.
with delivered as (
    select ingest_date
    from {{ ref('int_days_built') }}
    where feed in ('{{ (feeds_of_complaints() + ['service_outages']) | join("', '") }}')
),

reported as (
    select
        cast({{ dbt.date_trunc('year', dbt.dateadd('year', -1, 'min(ingest_date)')) }} as date) as first_day,
        max(ingest_date) as last_reported
    from delivered
),

numbers as (
    select cast(series.generated_number as {{ dbt.type_int() }}) as generated_number
    from ({{ dbt.generate_series(16384) }}) as series
),

days as (
    select cast({{ dbt.dateadd('day', 'numbers.generated_number - 1', 'reported.first_day') }} as date) as date_day
    from reported
    cross join numbers
    where
        {{ dbt.dateadd('day', 'numbers.generated_number - 1', 'reported.first_day') }}
        < {{ dbt.dateadd('year', 1, dbt.date_trunc('year', 'reported.last_reported')) }}
),

weekdays as (
    -- 1900-01-01 was a Monday; what a weekday's number means differs between warehouses.
    select
        date_day,
        cast(mod({{ dbt.datediff("date '1900-01-01'", 'date_day', 'day') }}, 7) + 1 as {{ dbt.type_bigint() }})
            as iso_weekday
    from days
)

select
    date_day,
    cast(extract(year from date_day) as {{ dbt.type_bigint() }}) as calendar_year,
    cast(extract(quarter from date_day) as {{ dbt.type_bigint() }}) as calendar_quarter,
    cast(extract(month from date_day) as {{ dbt.type_bigint() }}) as calendar_month,
    cast(extract(day from date_day) as {{ dbt.type_bigint() }}) as day_of_month,
    iso_weekday,
    cast({{ dbt.dateadd('day', '1 - iso_weekday', 'date_day') }} as date) as week_start,
    iso_weekday in (6, 7) as is_weekend
from weekdays
