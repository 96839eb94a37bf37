{#- What a table and its columns are, as the project's yml says, for whoever looks at them in the warehouse. -#}
{%- macro describe(relation, node) -%}
    {%- do adapter.dispatch('describe', 'coretelecoms')(relation, node) -%}
{%- endmacro -%}

{%- macro default__describe(relation, node) -%}
    {%- set kind = 'view' if relation.is_view else 'table' -%}
    {%- set statements = ['comment on ' ~ kind ~ ' ' ~ relation ~ ' is ' ~ quoted_text(node.description)] -%}
    {%- for name, column in node.columns.items() -%}
        {%- do statements.append('comment on column ' ~ relation ~ '.' ~ name ~ ' is ' ~ quoted_text(column.description)) -%}
    {%- endfor -%}
    {%- do run_query(statements | join(';\n')) -%}
{%- endmacro -%}

{#- By dbt-snowflake's own macros, a statement for all columns. -#}
{%- macro snowflake__describe(relation, node) -%}
    {%- do run_query(alter_relation_comment(relation, node.description | trim)) -%}
    {%- if node.columns -%} {%- do run_query(alter_column_comment(relation, node.columns)) -%} {%- endif -%}
{%- endmacro -%}

{%- macro bigquery__describe(relation, node) -%}
    {%- do adapter.update_table_description(relation.database, relation.schema, relation.identifier, node.description | trim) -%}
    {%- do adapter.update_columns(relation, node.columns) -%}
{%- endmacro -%}

{%- macro quoted_text(text) -%} '{{ text | trim | replace("'", "''") }}' {%- endmacro -%}
