{#- A table of readers, empty. -#}
{%- macro created(table) -%}
    {{ return(adapter.dispatch('created', 'coretelecoms')(table)) }}
{%- endmacro -%}

{%- macro default__created(table) -%}
    create table {{ table.relation }} ( {{ columns_of(table) }} )
{%- endmacro -%}

{%- macro columns_of(table) -%}
    {%- for column, type in table.columns.items() -%} {{ column }} {{ type }}{{ ', ' if not loop.last }} {%- endfor -%}
{%- endmacro -%}

{#- As dbt makes its own. -#}
{%- macro snowflake__created(table) -%}
    create transient table {{ table.relation }} ( {{ columns_of(table) }} )
{%- endmacro -%}

{%- macro bigquery__created(table) -%}
    create table {{ table.relation }} ( {{ columns_of(table) }} )
    {{ "partition by " ~ table.partition.field if table.partition }}
    {{ "cluster by " ~ table.cluster | join(', ') if table.cluster }}
{%- endmacro -%}
