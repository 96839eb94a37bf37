{#- Text as a moment in UTC, null where it is none; an offset is heeded, text without one is taken to be in UTC. -#}
{%- macro moment(text) -%}
    {{ return(adapter.dispatch('moment', 'coretelecoms')(text)) }}
{%- endmacro -%}

{%- macro default__moment(text) -%}
    {{ dbt.safe_cast(text, dbt.type_timestamp()) }}
{%- endmacro -%}

{#- DuckDB's timestamp drops an offset; its zoned type costs much more to read: only where needed. -#}
{%- macro duckdb__moment(text) -%}
    case
        when {{ text }} like '%:%+%' or {{ text }} like '%:%-%' then try_cast({{ text }} as timestamptz) at time zone 'UTC'
        else try_cast({{ text }} as timestamp)
    end
{%- endmacro -%}

{#- As DuckDB's, its zoneless type drops an offset. The session is in UTC. -#}
{%- macro snowflake__moment(text) -%}
    case
        when {{ text }} like '%:%+%' or {{ text }} like '%:%-%'
            then convert_timezone('UTC', try_cast({{ text }} as timestamp_tz))::timestamp_ntz
        else try_cast({{ text }} as timestamp_ntz)
    end
{%- endmacro -%}
