select
    *,
    min(ingest_date) over (partition by channel, complaint_id) as reported_date,
    count(*) over (partition by channel, complaint_id) as deliveries,
    sum(delivered_rows) over (partition by channel, complaint_id) as all_delivered_rows
from {{ ref('complaints_clean') }}
qualify row_number() over (partition by channel, complaint_id order by {{ newest_first() }}) = 1
