{{ config(materialized='incremental', **laid_out('ingest_date')) }}

-- Written after Silver is. depends_on: {{ ref('complaints_clean') }}
with days as (
    select
        feed,
        ingest_date
    from {{ ref('int_days_begun') }}
    where {{ is_day_to_build('ingest_date') }}
    union all
    select
        feed,
        ingest_date
    from {{ ref('int_days_built') }}
    where {{ is_day_to_build('ingest_date') }}
)

select distinct
    feed,
    '{{ this_writing() }}' as settled_by,
    ingest_date
from days
