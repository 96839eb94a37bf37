-- Days that landed and were never built, because a build failed or was not asked for: build them with --from --to.
{{ config(severity='warn') }}

with landed as (
    {%- for feed in feeds() %}
    select
        '{{ feed }}' as feed,
        ingest_date
    from {{ source('bronze', feed) }}
    where ingest_date between date '1900-01-01' and date '9999-12-31'
    group by ingest_date
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

built as (
    {%- for feed in feeds() %}
    select
        '{{ feed }}' as feed,
        ingest_date
    from {{ ref('stg_' ~ feed) }}
    group by ingest_date
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select landed.*
from landed
left join built
    on landed.feed = built.feed and landed.ingest_date = built.ingest_date
where built.feed is null
