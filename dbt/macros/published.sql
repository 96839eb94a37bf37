{#- Gold is written, audited, then published. A model of Gold selects its rows; this materialization keeps them in
    <name>__rows of the build schema, and makes there the view <name> of what readers would see if they were published:
    `ref` and tests mean that view. Readers' own tables change in one transaction for all (macros/publish.sql). -#}
{% materialization published, default %}
    {%- set rows = this.incorporate(path={'identifier': this.identifier ~ '__rows'}, type='table') -%}
    {%- set view = this.incorporate(type='view') -%}
    {%- if is_anew() -%} {%- do get_assert_columns_equivalent(sql) -%} {%- endif -%}  {#- else it was, and is the same -#}
    {%- call statement('main') -%} {{ made_anew(rows, 'select ' ~ model.columns | join(', ') ~ ' from (\n' ~ sql ~ '\n) as built') }} {%- endcall -%}
    {%- call statement('audit') -%} create or replace view {{ view }} as ( {{ audited(rows) }} ) {%- endcall -%}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [view]}) }}
{% endmaterialization %}

{#- A small table of what a build found changed, for this build alone. -#}
{% materialization found, default %}
    {%- set table = this.incorporate(type='table') -%}
    {%- call statement('main') -%} {{ made_anew(table, sql) }} {%- endcall -%}
    {% do adapter.commit() %}
    {{ return({'relations': [table]}) }}
{% endmaterialization %}

{#- Published, minus what is changed, plus what was built; of a table that is built whole, or anew, what was built. -#}
{%- macro audited(rows) -%}
    {%- set meta = config.get('meta') -%}
    {%- if meta.get('changed') and not is_anew() %}
    select {{ model.columns | join(', ') }} from {{ published_table(this.identifier, meta.published_in) }} as was
    where not {{ is_changed_row('was', meta.changed, meta.key) }}
    union all
    {%- endif %}
    select {{ model.columns | join(', ') }} from {{ rows }}
{%- endmacro -%}

{%- macro is_changed_row(table, changed, key) -%}
    exists (
        select 1 from {{ published_table(changed, 'gold_build') }} as changed
        where {% for one in key %}{{ 'and ' if not loop.first }}changed.{{ one }} = {{ table }}.{{ one }} {% endfor %}
    )
{%- endmacro -%}

{#- For a model's meta: it selects the rows of the keys that `changed` holds alone, and its published ones lie in the
    partitions, by `partition`, that the column `was` of `changed` names. -#}
{%- macro changed_by(changed, key, partition=none, was=none) -%}
    {{ return({'changed': changed, 'key': key, 'partition': [partition, was or partition]}) }}
{%- endmacro -%}

{#- The rows that this build made of a table of Gold; `relation`: what `ref` gives. -#}
{%- macro built(relation) -%}
    {{ return(relation.incorporate(path={'identifier': relation.identifier ~ '__rows'})) }}
{%- endmacro -%}

{#- The first day whose complaints are counted for an outage: 28 before that on which it began. -#}
{%- macro first_counted(outages) -%}
    cast({{ dbt.dateadd('day', -28, 'cast(' ~ outages ~ '.started_at as date)') }} as date)
{%- endmacro -%}

{#- Is Gold built from nothing: the first time, by another version of the models, or because --full says so? Also where no
    build is at work, which alone has tables of what changed: docs, unit tests. -#}
{%- macro is_anew() -%}
    {{ return(not execute or env_var('CORETELECOMS_GOLD_IS_THERE', '') != 'yes') }}
{%- endmacro -%}

{#- What readers see, whatever `ref` means: Gold's own tables, of which nothing counts where Gold is built anew. -#}
{%- macro published(name) -%}
    {%- if is_anew() -%} (select * from {{ published_table(name) }} where false)
    {%- else -%} {{ published_table(name) }}
    {%- endif -%}
{%- endmacro -%}

{#- Days that a small table of this build holds; none: all there may be. -#}
{%- macro days_of(relation, column) -%}
    {%- if is_anew() -%} {{ return(none) }} {%- endif -%}
    {%- set asked -%}
        select distinct cast({{ column }} as {{ dbt.type_string() }}) as one_day from {{ relation }}
        where {{ column }} is not null order by 1
    {%- endset -%}
    {{ return(run_query(asked).columns[0].values() | list) }}
{%- endmacro -%}

{#- A filter of constants, by which warehouses know which partitions to read; by a subquery they do not. -#}
{%- macro is_one_of(column, days) -%}
    {%- if days is none -%} {{ column }} between date '1900-01-01' and date '9999-12-31'
    {%- elif days | length == 0 -%} {{ column }} between date '9999-12-31' and date '1900-01-01'
    {%- elif days | length > 400 -%} {{ column }} between date '{{ days[0] }}' and date '{{ days[-1] }}'
    {%- else -%} {{ column }} in ({% for day in days %}date '{{ day }}'{{ ', ' if not loop.last }}{% endfor %})
    {%- endif -%}
{%- endmacro -%}

{%- macro is_from(column, days) -%}
    {%- if days is none -%} true
    {%- elif days | length == 0 -%} {{ column }} >= date '9999-12-31'
    {%- else -%} {{ column }} >= date '{{ days[0] }}'
    {%- endif -%}
{%- endmacro -%}

{#- The days, and as many before and after each. -#}
{%- macro days_around(days, before, after) -%}
    {%- if days is none -%} {{ return(none) }} {%- endif -%}
    {%- set found = {} -%}
    {%- for day in days -%}
        {%- set middle = modules.datetime.datetime.strptime(day, '%Y-%m-%d') -%}
        {%- for distance in range(-before, after + 1) -%}
            {%- do found.update({(middle + modules.datetime.timedelta(days=distance)).strftime('%Y-%m-%d'): 1}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found | sort) }}
{%- endmacro -%}

{#- Asked before a look at history that a usual day does not need. -#}
{%- macro has_rows(relation, condition='true') -%}
    {%- if is_anew() -%} {{ return(false) }} {%- endif -%}
    {{ return(run_query('select 1 from ' ~ relation ~ ' where ' ~ condition ~ ' limit 1').rows | length > 0) }}
{%- endmacro -%}

{#- A table that readers have, as a relation. -#}
{%- macro published_table(name, layer='gold') -%}
    {{ return(api.Relation.create(database=target.database, schema=schema_of(layer), identifier=name, type='table')) }}
{%- endmacro -%}
