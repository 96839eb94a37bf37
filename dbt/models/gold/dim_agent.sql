with versions as (
    select
        {{ agent_version() }} as agent_key,
        agent_id,
        experience,
        state_name,
        valid_from,
        valid_to,
        valid_to = date '9999-12-31' as is_current,
        is_listed,
        false as is_unknown,
        cast(delivered_rows as {{ dbt.type_bigint() }}) as delivered_rows
    from {{ ref('int_agent_versions') }}
),

unknown as (
    select
        'unknown' as agent_key,
        cast(null as {{ dbt.type_string() }}) as agent_id,
        'Unknown' as experience,
        cast(null as {{ dbt.type_string() }}) as state_name,
        date '1900-01-01' as valid_from,
        date '9999-12-31' as valid_to,
        true as is_current,
        false as is_listed,
        true as is_unknown,
        cast(0 as {{ dbt.type_bigint() }}) as delivered_rows
)

select * from versions
union all
select * from unknown
