{#- That of Bronze's _ingested_at. -#}
{%- macro type_of_moment() -%}
    {{ return(adapter.dispatch('type_of_moment', 'coretelecoms')()) }}
{%- endmacro -%}

{%- macro default__type_of_moment() -%}
    {{ return(dbt.type_timestamp()) }}
{%- endmacro -%}

{%- macro duckdb__type_of_moment() -%}
    timestamptz
{%- endmacro -%}
