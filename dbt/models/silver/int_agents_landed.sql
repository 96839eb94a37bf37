-- depends_on: {{ ref('int_days_built') }}
select
    *,
    coalesce(agent_id, 'no-id-' || _row_hash) as agent_natural_key,
    count(*) over (partition by ingest_date, coalesce(agent_id, 'no-id-' || _row_hash)) as delivered_rows
from {{ ref('stg_agents') }}
qualify
    row_number() over (
        partition by ingest_date, coalesce(agent_id, 'no-id-' || _row_hash) order by {{ newest_first() }}
    ) = 1
