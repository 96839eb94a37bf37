-- Days whose Silver is not the one that published Gold stands for; written_by is null where Silver has none any more,
-- or is being written.
with marked as (
    select
        feed,
        ingest_date,
        begun_by,
        cast(null as {{ dbt.type_string() }}) as settled_by
    from {{ ref('int_days_begun') }}
    union all
    select
        feed,
        ingest_date,
        cast(null as {{ dbt.type_string() }}) as begun_by,
        settled_by
    from {{ ref('int_days_settled') }}
),

now as (
    select
        feed,
        ingest_date,
        max(settled_by) as settled_by,
        case when max(settled_by) = coalesce(max(begun_by), max(settled_by)) then max(settled_by) end as written_by
    from marked
    group by feed, ingest_date
)

select
    coalesce(now.feed, was.feed) as feed,
    coalesce(now.ingest_date, was.ingest_date) as ingest_date,
    now.written_by
from now
full outer join {{ published('build_days') }} as was
    on now.feed = was.feed and now.ingest_date = was.ingest_date
where now.written_by is null or was.written_by is null or now.written_by <> was.written_by
