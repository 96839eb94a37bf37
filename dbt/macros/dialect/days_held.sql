{#- The days of a table that lies by ingest_date, and how many rows each holds: ingest_date, held_rows. -#}
{%- macro days_held(relation) -%}
    {{ return(adapter.dispatch('days_held', 'coretelecoms')(relation)) }}
{%- endmacro -%}

{%- macro default__days_held(relation) -%}
    select
        ingest_date,
        {{ count_all() }} as held_rows
    from {{ relation }}
    group by ingest_date
{%- endmacro -%}

{#- BigQuery keeps count by itself: no row is read, however many days there are. -#}
{%- macro bigquery__days_held(relation) -%}
    select
        parse_date('%Y%m%d', partition_id) as ingest_date,
        total_rows as held_rows
    from `{{ relation.database }}`.`{{ relation.schema }}`.INFORMATION_SCHEMA.PARTITIONS
    where table_name = '{{ relation.identifier }}' and regexp_contains(partition_id, '^[0-9]+$') and total_rows > 0
{%- endmacro -%}
