{#- What a statement is for, as JSON: of which node, of which source and for which days (dbt/build.py says; dbt tells this
    macro nothing of its arguments). Not which build: BigQuery answers a statement that is as it was from its cache, and
    labels the job with dbt's invocation_id anyway. -#}
{%- macro query_comment(node) -%}
    {%- set found = {'app': 'dbt', 'dbt_version': dbt_version, 'day': env_var('CORETELECOMS_DAYS', 'all')} -%}
    {%- if node is not none -%}
        {%- do found.update(node_id=node.unique_id) -%}
        {%- if node.name.startswith('stg_') -%} {%- do found.update(source=node.name[4:]) -%} {%- endif -%}
    {%- endif -%}
    {{ return(tojson(found)) }}
{%- endmacro -%}
