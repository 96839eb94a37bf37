{{ config(materialized='incremental', **laid_out('ingest_date')) }}

with delivered as (
    select *
    from {{ ref('int_complaints_unioned') }}
    where {{ is_day_to_build('ingest_date') }}
)

select
    *,
    count(*) over (partition by ingest_date, channel, complaint_id) as delivered_rows,
    min(_row_hash) over (partition by ingest_date, channel, complaint_id)
    <> max(_row_hash) over (partition by ingest_date, channel, complaint_id) as has_conflicting_duplicates
from delivered
qualify row_number() over (partition by ingest_date, channel, complaint_id order by {{ newest_first() }}) = 1
