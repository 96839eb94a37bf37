select distinct ingest_date
from {{ ref('changed_days') }}
where feed = 'customers'
