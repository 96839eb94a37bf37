{#- A table of the rows of a query, in the place of the one that was there. -#}
{%- macro made_anew(relation, sql) -%}
    {{ return(adapter.dispatch('made_anew', 'coretelecoms')(relation, sql)) }}
{%- endmacro -%}

{%- macro default__made_anew(relation, sql) -%}
    create or replace table {{ relation }} as (
    {{ sql }}
    )
{%- endmacro -%}

{#- As dbt makes its own. -#}
{%- macro snowflake__made_anew(relation, sql) -%}
    create or replace transient table {{ relation }} as (
    {{ sql }}
    )
{%- endmacro -%}
