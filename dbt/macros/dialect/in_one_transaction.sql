{#- All of the statements or none, where dbt does not see to it by itself. -#}
{%- macro in_one_transaction(statements) -%}
    {{ return(adapter.dispatch('in_one_transaction', 'coretelecoms')(statements)) }}
{%- endmacro -%}

{%- macro default__in_one_transaction(statements) -%}
    {{ statements }}
{%- endmacro -%}

{#- dbt-snowflake commits each statement. -#}
{%- macro snowflake__in_one_transaction(statements) -%}
    {{ return(snowflake_dml_explicit_transaction(statements)) }}
{%- endmacro -%}
