select
    agent_natural_key as agent_id,
    agent_name,
    experience,
    state_name,
    ingest_date
from {{ ref('int_agents_landed') }}
qualify row_number() over (partition by agent_natural_key order by {{ newest_first() }}) = 1
