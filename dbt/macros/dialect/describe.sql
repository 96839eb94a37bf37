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

{#- Of a view the columns cannot be told later than when it is made. -#}
{%- macro snowflake__describe(relation, node) -%}
    {%- set kind = 'view' if relation.is_view else 'table' -%}
    {%- do run_query('comment on ' ~ kind ~ ' ' ~ relation ~ ' is ' ~ quoted_text(node.description)) -%}
    {%- if kind == 'table' and node.columns -%}
        {%- set columns = [] -%}
        {%- for name, column in node.columns.items() -%}
            {%- do columns.append('column ' ~ name ~ ' comment ' ~ quoted_text(column.description)) -%}
        {%- endfor -%}
        {%- do run_query('alter table ' ~ relation ~ ' modify ' ~ columns | join(', ')) -%}
    {%- endif -%}
{%- endmacro -%}

{%- macro bigquery__describe(relation, node) -%}
    {%- do adapter.update_table_description(relation.database, relation.schema, relation.identifier, node.description | trim) -%}
    {%- do adapter.update_columns(relation, node.columns) -%}
{%- endmacro -%}

{%- macro quoted_text(text) -%} '{{ text | trim | replace("'", "''") }}' {%- endmacro -%}
