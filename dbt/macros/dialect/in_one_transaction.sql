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

{#- In the place of dbt-snowflake's own, which sends BEGIN, the statements and COMMIT one by one and no ROLLBACK after a
    failure: the next DDL of that session then commits what came before it, a DELETE (dbt-core#12330). One block is one
    request: it ends at Snowflake also where dbt is killed. Where Snowflake cancels the block, the handler may not run,
    and the session's end rolls back: reuse_connections in profiles.yml. dbt splits at semicolons, but not within $$. -#}
{%- macro snowflake_dml_explicit_transaction(dml) -%}
execute immediate $$
begin
    begin transaction;
    {{ dml | trim }};
    commit;
exception
    when other then
        rollback;
        raise;
end;
$$
{%- endmacro -%}
