-- From all landings at once, by their delivery day: whatever the order they were built in, the history is the same.
with landed as (
    select
        *,
        {{ row_hash(['agent_name', 'experience', 'state_name']) }} as version_hash
    from {{ ref('int_agents_landed') }}
),

compared as (
    select
        *,
        lag(version_hash) over (partition by agent_natural_key order by ingest_date) as hash_before,
        max(ingest_date) over (partition by agent_natural_key) as last_landed,
        max(ingest_date) over () as newest_landing,
        sum(delivered_rows) over (partition by agent_natural_key) as all_delivered_rows
    from landed
),

versions as (
    select *
    from compared
    where hash_before is null or hash_before <> version_hash
)

select
    agent_natural_key as agent_id,
    agent_name,
    experience,
    state_name,
    ingest_date as landed_on,
    -- Complaints are older than the first landing: the first version holds from the beginning.
    case when hash_before is null then date '1900-01-01' else ingest_date end as valid_from,
    lead(ingest_date, 1, date '9999-12-31') over (partition by agent_natural_key order by ingest_date) as valid_to,
    last_landed = newest_landing as is_listed,
    all_delivered_rows as delivered_rows
from versions
