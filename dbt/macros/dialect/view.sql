{#- In the place of dbt's own, which makes a view of DuckDB's under another name and renames two. -#}
{% materialization view, adapter='duckdb' %}
    {%- set there = load_cached_relation(this) -%}
    {%- if there and not there.is_view -%} {%- do adapter.drop_relation(there) -%} {%- endif -%}
    {%- set view = this.incorporate(type='view') -%}
    {%- call statement('main') -%} create or replace view {{ view }} as (
    {{ sql }}
    ) {%- endcall -%}
    {% do adapter.commit() %}
    {{ return({'relations': [view]}) }}
{% endmaterialization %}
