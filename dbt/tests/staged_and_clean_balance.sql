-- Staged complaints of each day are counted in complaints_clean, also of days that were not built now: before Gold is.
with staged as (
    select
        ingest_date,
        sum(held_rows) as staged_rows
    from {{ days_held_by('silver') }}
    where feed in ('{{ feeds_of_complaints() | join("', '") }}')
    group by ingest_date
),

clean as (
    select
        ingest_date,
        sum(delivered_rows) as clean_rows
    from {{ ref('complaints_clean') }}
    group by ingest_date
)

select
    coalesce(staged.ingest_date, clean.ingest_date) as ingest_date,
    coalesce(staged.staged_rows, 0) as in_staging,
    coalesce(clean.clean_rows, 0) as in_clean
from staged
full outer join clean
    on staged.ingest_date = clean.ingest_date
where coalesce(staged.staged_rows, 0) <> coalesce(clean.clean_rows, 0)
