select distinct ingest_date
from {{ ref('changed_days') }}
where feed in ('call_logs', 'social_media', 'web_forms')
