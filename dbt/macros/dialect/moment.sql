{#- The text of a moment (is_moment) as one in UTC, null where there is no such day; an offset is heeded, text without one
    is taken to be in UTC. Of a fraction the first six digits count. -#}
{%- macro moment(text) -%}
    {{ return(adapter.dispatch('moment', 'coretelecoms')(text)) }}
{%- endmacro -%}

{#- BigQuery wants seconds, and knows no more than six digits of their fraction. -#}
{%- macro bigquery__moment(text) -%}
    {%- set whole = "regexp_replace(" ~ text ~ ", r'^(.{13}:[0-9]{2})($|[^:])', r'\\1:00\\2')" -%}
    safe_cast(regexp_replace({{ whole }}, r'([.][0-9]{6})[0-9]+', r'\1') as timestamp)
{%- endmacro -%}

{#- DuckDB's timestamp drops an offset; its zoned type wants seconds, and costs much more to read: only where needed. -#}
{%- macro duckdb__moment(text) -%}
    case
        when {{ text }} like '%:%+%' or {{ text }} like '%:%-%'
            then try_cast(
                left({{ text }}, 16) || case when substr({{ text }}, 17, 1) = ':' then '' else ':00' end
                || substr({{ text }}, 17) as timestamptz
            ) at time zone 'UTC'
        else try_cast(replace(replace({{ text }}, 'Z', ''), ' UTC', '') as timestamp)
    end
{%- endmacro -%}

{#- As DuckDB's, its zoneless type drops an offset. The session is in UTC. -#}
{%- macro snowflake__moment(text) -%}
    {%- set written = snowflake_moment_text(text) -%}
    case
        when {{ text }} like '%:%+%' or {{ text }} like '%:%-%'
            then convert_timezone('UTC', try_cast({{ written }} as timestamp_tz))::timestamp_ntz
        else try_cast({{ written }} as timestamp_ntz)
    end
{%- endmacro -%}

{#- YYYY-MM-DD HH24:MI:SS, .FF, TZH:TZM: of all ways to write a moment the ones on which each of Snowflake's lists agrees:
    T goes with fewer of them, Z and +0200 with none. Its own type holds nine digits. -#}
{%- macro snowflake_moment_text(text) -%}
    {%- set bare = "replace(replace(replace(" ~ text ~ ", ' UTC', ''), 'Z', ''), 'T', ' ')" -%}
    {%- set whole = "regexp_replace(" ~ bare ~ ", '^(.{13}:[0-9]{2})($|[^:])', '\\\\1:00\\\\2')" -%}
    {%- set short = "regexp_replace(" ~ whole ~ ", '([.][0-9]{6})[0-9]+', '\\\\1')" -%}
    {%- set hours = "regexp_replace(" ~ short ~ ", '(:[0-9:.]+[+-][0-9]{2})$', '\\\\1:00')" -%}
    regexp_replace({{ hours }}, '(:[0-9:.]+[+-][0-9]{2})([0-9]{2})$', '\\1:\\2')
{%- endmacro -%}
