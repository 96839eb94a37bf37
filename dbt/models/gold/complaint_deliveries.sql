{{ config(
    materialized='published',
    meta=changed_by('changed_complaint_days', ['ingest_date'], 'ingest_date'),
    **laid_out('ingest_date', ['channel', 'complaint_id'])
) }}

select
    channel,
    complaint_id,
    cast(delivered_rows as {{ dbt.type_bigint() }}) as delivered_rows,
    ingest_date
from {{ ref('complaints_clean') }}
where {{ is_one_of('ingest_date', days_of(ref('changed_complaint_days'), 'ingest_date')) }}
