{#- dbt-bigquery knows three strategies by name, and asks these two macros: replace_days (macros/days.sql) is the only
    one here. All of a day or nothing; microbatch and insert_overwrite keep a day that became empty. -#}
{%- macro dbt_bigquery_validate_get_incremental_strategy(config) -%}
    {{ return(config.get('incremental_strategy')) }}
{%- endmacro -%}

{%- macro bq_generate_incremental_build_sql(
    strategy, tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns,
    tmp_relation_exists, copy_partitions, incremental_predicates
) -%}
    begin transaction;
    {{ get_incremental_replace_days_sql({
        'target_relation': target_relation, 'temp_relation': tmp_relation, 'dest_columns': dest_columns
    }) }};
    commit transaction;
{%- endmacro -%}
