{#- In BigQuery dbt's temporary tables are ordinary ones, and go by the model's name: of two builds at once, each of a day
    of its own, one would fill its day with the other's rows. A build's own name, then, and its machine's: by them the
    other one is told who was first (dbt/warehouse.py). What a killed one leaves expires after 12 hours. In Snowflake they
    are the session's. -#}
{%- macro bigquery__make_temp_relation(base_relation, suffix) -%}
    {{ return(default__make_temp_relation(base_relation, suffix ~ '_' ~ invocation_id | replace('-', '') ~ '_' ~ env_var('CORETELECOMS_HOST', 'unknown'))) }}
{%- endmacro -%}
