select distinct ingest_date
from {{ ref('changed_days') }}
where feed in ('{{ feeds_of_complaints() | join("', '") }}')
