-- Each version ends where the next begins, and the last one has no end.
with versions as (
    select
        agent_key,
        valid_from,
        valid_to,
        lead(valid_from, 1, date '9999-12-31') over (partition by agent_id order by valid_from) as next_from
    from {{ ref('dim_agent') }}
    where not is_unknown
)

select *
from versions
where valid_to <> next_from or valid_to <= valid_from
