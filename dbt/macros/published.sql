{#- Gold is written, audited, then published. A model of Gold selects its rows; this materialization keeps them in
    <name>__rows of the build schema, and makes there the view <name> of what readers would see if they were published:
    `ref` and tests mean that view. Readers' own tables change in one transaction for all (macros/publish.sql). -#}
{% materialization published, default %}
    {%- set rows = this.incorporate(path={'identifier': this.identifier ~ '__rows'}, type='table') -%}
    {%- set view = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%} {{ made_anew(rows, sql) }} {%- endcall -%}
    {%- call statement('audit') -%} create or replace view {{ view }} as ( {{ audited(rows) }} ) {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [view]}) }}
{% endmaterialization %}

{%- macro audited(rows) -%}
    select {{ model.columns | join(', ') }} from {{ rows }}
{%- endmacro -%}

{#- A table that readers have, as a relation. -#}
{%- macro published_table(name, layer='gold') -%}
    {{ return(api.Relation.create(database=target.database, schema=schema_of(layer), identifier=name, type='table')) }}
{%- endmacro -%}
