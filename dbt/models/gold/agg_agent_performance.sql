{{ config(
    materialized='published',
    meta=changed_by('changed_dates', ['reported_date'], 'reported_date'),
    **laid_out('reported_date', ['agent_key'])
) }}

with complaints as (
    select
        reported_date,
        agent_key,
        {{ count_all() }} as complaints,
        {{ count_where('is_resolved') }} as resolved,
        {{ count_where("resolution_status = 'Backlog'") }} as backlog,
        {{ count_where("resolution_status = 'Blocked'") }} as blocked,
        {{ count_where('resolution_seconds is not null') }} as timed,
        {{ count_where('resolution_seconds < 3600') }} as within_1_hour,
        {{ count_where('resolution_seconds < 24 * 3600') }} as within_24_hours,
        {{ count_where('resolution_seconds < 72 * 3600') }} as within_72_hours,
        {{ count_where('resolution_seconds < 168 * 3600') }} as within_168_hours,
        {{ count_where('resolution_seconds < 336 * 3600') }} as within_336_hours,
        cast(coalesce(sum(resolution_seconds), 0) as {{ dbt.type_bigint() }}) as resolution_seconds
    from {{ ref('fact_complaints') }}
    where {{ is_one_of('reported_date', days_of(ref('changed_dates'), 'reported_date')) }}
    group by reported_date, agent_key
)

select
    complaints.reported_date,
    complaints.agent_key,
    agents.agent_id,
    agents.experience,
    complaints.complaints,
    complaints.resolved,
    complaints.backlog,
    complaints.blocked,
    complaints.timed,
    complaints.within_1_hour,
    complaints.within_24_hours,
    complaints.within_72_hours,
    complaints.within_168_hours,
    complaints.within_336_hours,
    complaints.resolution_seconds
from complaints
inner join {{ ref('dim_agent') }} as agents
    on complaints.agent_key = agents.agent_key
