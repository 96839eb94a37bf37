select
    {{ agent_version() }} as agent_key,
    agent_name
from {{ ref('int_agent_versions') }}
