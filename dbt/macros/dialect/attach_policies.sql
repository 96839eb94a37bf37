{#- After a model is built: its columns that tell of persons (`meta: {personal: KIND}`) get the policy of their kind,
    where the environment names policies; again is as good as once. A view gets none: the tables behind it have theirs.
    Of a table of Gold that of its readers is meant; where it is built nobody reads. -#}
{%- macro attach_policies() -%}
    {%- if execute and model.config.materialized != 'view' -%}
        {%- set kinds = {} -%}
        {%- for name, column in model.columns.items() if column.meta.get('personal', 'none') != 'none' -%}
            {%- do kinds.update({name: column.meta.personal}) -%}
        {%- endfor -%}
        {%- set table = published_table(model.name, model.config.meta.published_in) if model.config.materialized == 'published' else this -%}
        {%- if table == this or adapter.get_relation(table.database, table.schema, table.identifier) -%}
            {%- do adapter.dispatch('attach_policies', 'coretelecoms')(table, kinds) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro -%}

{%- macro default__attach_policies(table, kinds) -%}
{%- endmacro -%}

{%- macro bigquery__attach_policies(table, kinds) -%}
    {%- set tags = fromjson(env_var('CORETELECOMS_POLICY_TAGS', '{}')) -%}
    {%- set columns = {} -%}
    {%- for name, kind in kinds.items() if tags -%}
        {%- do columns.update({name: {'description': model.columns[name].description, 'policy_tags': [tags[kind]]}}) -%}
    {%- endfor -%}
    {%- do adapter.update_columns(table, columns) -%}
{%- endmacro -%}

{#- A policy is of one type. -#}
{%- macro snowflake__attach_policies(table, kinds) -%}
    {%- set schema = env_var('CORETELECOMS_MASKING_POLICIES', '') -%}
    {%- for column in adapter.get_columns_in_relation(table) if schema and column.name | lower in kinds -%}
        {%- set policy = schema ~ '.' ~ kinds[column.name | lower] ~ ('_date' if column.dtype == 'DATE' else '_text') -%}
        {%- do run_query('alter table ' ~ table ~ ' modify column ' ~ column.name ~ ' set masking policy ' ~ policy ~ ' force') -%}
    {%- endfor -%}
{%- endmacro -%}
