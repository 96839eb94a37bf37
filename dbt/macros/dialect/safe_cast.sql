{#- dbt's own is a plain cast on DuckDB: the first unreadable value would stop the build. -#}
{%- macro duckdb__safe_cast(field, type) -%}
    try_cast({{ field }} as {{ type }})
{%- endmacro -%}
