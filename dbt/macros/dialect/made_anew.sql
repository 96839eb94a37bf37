{#- A table of the rows of a query, in the place of the one that was there. -#}
{%- macro made_anew(relation, sql) -%}
    {{ return(adapter.dispatch('made_anew', 'coretelecoms')(relation, sql)) }}
{%- endmacro -%}

{%- macro default__made_anew(relation, sql) -%}
    {{ create_table_as(false, relation, sql) }}
{%- endmacro -%}

{#- Of a table with a contract dbt-duckdb makes two statements, neither of which replaces. -#}
{%- macro duckdb__made_anew(relation, sql) -%}
    drop table if exists {{ relation }};
    {{ create_table_as(false, relation, sql) }}
{%- endmacro -%}
