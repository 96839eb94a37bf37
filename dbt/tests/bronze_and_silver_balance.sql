-- Of the days just built: each delivered row is in Silver once, and counted in complaints_clean.
with counted as (
    {%- call(feed) of_each_feed() %}
    select
        '{{ feed }}' as feed,
        ingest_date,
        count(*) as in_bronze,
        0 as in_silver
    from {{ delivered_by(feed) }}
    where {{ is_day_asked('ingest_date') }}
    group by ingest_date
    union all
    select
        '{{ feed }}' as feed,
        ingest_date,
        0 as in_bronze,
        count(*) as in_silver
    from {{ ref('stg_' ~ feed) }}
    where {{ is_day_asked('ingest_date') }}
    group by ingest_date
    {%- endcall %}
)

select
    feed,
    ingest_date,
    sum(in_bronze) as bronze_rows,
    sum(in_silver) as silver_rows
from counted
group by feed, ingest_date
having sum(in_bronze) <> sum(in_silver)
