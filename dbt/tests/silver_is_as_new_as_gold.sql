-- Days of which Silver is older than what Gold was published from: another copy of Silver, or one that was put back.
-- Gold would go back too, and waits. Build them again with --from --to, or all with --full.
select
    changed.feed,
    changed.ingest_date,
    changed.written_by,
    was.written_by as published
from {{ ref('changed_days') }} as changed
inner join {{ published_table('build_days') }} as was
    on changed.feed = was.feed and changed.ingest_date = was.ingest_date
where changed.written_by < was.written_by
