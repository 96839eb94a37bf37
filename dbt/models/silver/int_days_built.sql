{{ config(materialized='incremental', **laid_out('ingest_date')) }}

-- Of a day that is not built now, the row stays as it was: what Silver held of it then.
with staged as (
    {%- call(feed) of_each_feed() %}
    select
        '{{ feed }}' as feed,
        ingest_date
    from {{ ref('stg_' ~ feed) }}
    where {{ is_day_to_build('ingest_date') }}
    {%- endcall %}
)

select
    feed,
    {{ count_all() }} as staged_rows,
    ingest_date
from staged
group by feed, ingest_date
