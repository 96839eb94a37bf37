-- Intervals of agents' versions that are not as published: complaints delivered in them may get another version, and
-- dates on which they were reported count it under another experience.
select
    coalesce(now.agent_id, was.agent_id) as agent_id,
    coalesce(now.valid_from, was.valid_from) as from_date,
    case
        when now.agent_key is null then was.valid_to
        when was.agent_key is null or now.valid_to >= was.valid_to then now.valid_to
        else was.valid_to
    end as to_date
from {{ ref('dim_agent') }} as now
full outer join {{ published('dim_agent') }} as was
    on now.agent_key = was.agent_key
where
    now.agent_key is null
    or was.agent_key is null
    or now.valid_to <> was.valid_to
    or now.experience <> was.experience
