-- Days that landed and were never built, because a build failed or was not asked for: build them with --from --to.
{{ config(severity='warn') }}

with landed as (
    select
        feed,
        ingest_date
    from {{ days_held_by('bronze') }}
),

built as (
    select
        feed,
        ingest_date
    from {{ days_held_by('silver') }}
)

select
    landed.feed,
    landed.ingest_date
from landed
left join built
    on landed.feed = built.feed and landed.ingest_date = built.ingest_date
where built.feed is null
