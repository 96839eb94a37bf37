{#- Does the environment have no such source? CORETELECOMS_SOURCES names those that it has; without it all are there. -#}
{%- macro is_left_out(feed) -%}
    {%- if not execute -%} {{ return(false) }} {%- endif -%}
    {%- set sources = env_var('CORETELECOMS_SOURCES', '') -%}
    {{ return(sources != '' and feed not in sources.split(',')) }}
{%- endmacro -%}

{#- Bronze's table of a source; of one that is left out no row, in the same columns, which sources.yml names. -#}
{%- macro delivered_by(feed) -%}
    {%- set table = source('bronze', feed) -%}
    {%- if not is_left_out(feed) -%} {{ return(table) }} {%- endif -%}
    {%- set columns = (graph.sources.values() | selectattr('name', 'equalto', feed) | first).columns -%}
    (
        select
            {%- for name in columns.keys() | list + ['_source_system', '_source_uri', '_run_id', '_rescued'] %}
            cast(null as {{ dbt.type_string() }}) as {{ name }},
            {%- endfor %}
            cast(null as {{ type_of_moment() }}) as _ingested_at,
            cast(null as date) as ingest_date
        from (select 1 as nothing) as nothing
        where false
    ) as left_out
{%- endmacro -%}
