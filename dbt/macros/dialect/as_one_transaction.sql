{#- Statements that are all done, or none: as one request. -#}
{%- macro as_one_transaction(statements) -%}
    {{ return(adapter.dispatch('as_one_transaction', 'coretelecoms')(statements)) }}
{%- endmacro -%}

{%- macro default__as_one_transaction(statements) -%}
    begin transaction;
    {{ statements | join(';\n') }};
    commit transaction;
{%- endmacro -%}

{%- macro snowflake__as_one_transaction(statements) -%}
    {{ snowflake_dml_explicit_transaction(statements | join(';\n')) }}
{%- endmacro -%}

{#- Between two steps of a macro that is run by itself: dbt-duckdb has begun a transaction by then, and BEGIN in it is an
    error; nobody else ends it. The others commit each statement. -#}
{%- macro settled() -%}
    {{ return(adapter.dispatch('settled', 'coretelecoms')()) }}
{%- endmacro -%}

{%- macro default__settled() -%}
{%- endmacro -%}

{%- macro duckdb__settled() -%}
    {%- do run_query('select 1') -%}
    {%- do adapter.commit() -%}
{%- endmacro -%}
