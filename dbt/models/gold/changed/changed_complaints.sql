select
    channel,
    complaint_id,
    min(case when is_before then ingest_date end) as was_reported_date,
    min(case when is_now then ingest_date end) as reported_date,
    max(case when is_now then ingest_date end) as newest_date,
    {{ count_where('is_now') }} as deliveries,
    cast(sum(case when is_now then delivered_rows else 0 end) as {{ dbt.type_bigint() }}) as delivered_rows
from {{ ref('changed_deliveries') }}
group by channel, complaint_id
