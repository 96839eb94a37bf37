{#- A moment with zone as one without, in UTC. -#}
{%- macro in_utc(column) -%}
    {{ return(adapter.dispatch('in_utc', 'coretelecoms')(column)) }}
{%- endmacro -%}

{%- macro default__in_utc(column) -%}
    {{ column }}
{%- endmacro -%}

{%- macro duckdb__in_utc(column) -%}
    ({{ column }} at time zone 'UTC')
{%- endmacro -%}
