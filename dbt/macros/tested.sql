{#- Of a table of Gold: its meta, as macros/published.sql reads it; of others, and while dbt parses, nothing. -#}
{%- macro meta_of(model) -%}
    {%- set node = graph.nodes.get('model.coretelecoms.' ~ model.identifier) if execute else none -%}
    {{ return(node.config.meta if node else {}) }}
{%- endmacro -%}

{#- Which rows a test of a model looks at: those that were built, where others were tested when they were. -#}
{%- macro tested_rows(model) -%}
    {%- if meta_of(model).get('changed') and not is_anew() -%} {{ return(built(model)) }} {%- endif -%}
    {{ return(model) }}
{%- endmacro -%}

{#- In the place of dbt's own: who loses its parent was built anew, so that rows built before need no look. -#}
{%- macro default__test_relationships(model, column_name, to, field) -%}
select child.{{ column_name }} as from_field
from {{ tested_rows(model) }} as child
left join {{ to }} as parent
    on child.{{ column_name }} = parent.{{ field }}
where child.{{ column_name }} is not null and parent.{{ field }} is null
{%- endmacro -%}
