with outages as (
    select
        *,
        -- One that has not ended is known to last until its newest report was made: at most that day's end.
        coalesce(ended_at, cast({{ dbt.dateadd('day', 1, 'ingest_date') }} as {{ dbt.type_timestamp() }})) as until_at
    from {{ ref('int_service_outages_newest') }}
)

select
    outage_key as outage_id,
    service,
    cause,
    region,
    state_code,
    reported_date,
    started_at,
    ended_at,
    case when until_at >= started_at and not has_unreadable_date then until_at end as known_until,
    case
        when ended_at >= started_at
            then cast({{ dbt.datediff('started_at', 'ended_at', 'second') }} as {{ dbt.type_bigint() }})
    end as duration_seconds,
    customers_affected,
    ended_at is not null as has_ended,
    state_code is not null as has_known_region,
    outage_id is null as has_generated_id,
    has_unreadable_date,
    has_unreadable_number,
    has_future_date,
    has_inconsistent_end,
    cast(deliveries as {{ dbt.type_bigint() }}) as deliveries,
    cast(delivered_rows as {{ dbt.type_bigint() }}) as delivered_rows,
    ingest_date,
    _ingested_at,
    _run_id
from outages
