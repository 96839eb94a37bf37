-- Days of which Silver holds less than when they were built, although Bronze still has them: a failed write took them.
-- Gold would lose them too, and waits. Build them again with --from --to.
with landed as (
    select
        feed,
        ingest_date
    from {{ days_held_by('bronze') }}
),

held as (
    select
        feed,
        ingest_date,
        held_rows
    from {{ days_held_by('silver') }}
)

select
    built.feed,
    built.ingest_date,
    built.staged_rows,
    coalesce(held.held_rows, 0) as still_held
from {{ ref('int_days_built') }} as built
inner join landed
    on built.feed = landed.feed and built.ingest_date = landed.ingest_date
left join held
    on built.feed = held.feed and built.ingest_date = held.ingest_date
where coalesce(held.held_rows, 0) < built.staged_rows
