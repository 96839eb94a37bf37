-- depends_on: {{ ref('int_days_built') }}
with outages as (
    select
        *,
        -- Two different rows without an id are two outages, not deliveries of one.
        coalesce(outage_id, 'no-id-' || _row_hash) as outage_key
    from {{ ref('stg_service_outages') }}
),

states as (
    select
        state_code,
        {{ lowered('state_name') }} as state
    from {{ ref('states') }}
    union all
    select
        state_code,
        {{ lowered('state_code') }} as state
    from {{ ref('states') }}
),

days as (
    select
        outage_key,
        min(ingest_date) as reported_date,
        count(distinct ingest_date) as deliveries,
        count(*) as delivered_rows
    from outages
    group by outage_key
),

newest as (
    select *
    from outages
    qualify row_number() over (partition by outage_key order by {{ newest_first() }}) = 1
)

select
    newest.*,
    states.state_code,
    days.reported_date,
    days.deliveries,
    days.delivered_rows
from newest
inner join days
    on newest.outage_key = days.outage_key
left join states
    on {{ lowered('newest.region') }} = states.state
