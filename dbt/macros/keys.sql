{#- A hash of what the supplier sent, metadata left out: the same row has the same hash in every run. -#}
{%- macro row_hash(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce(" ~ column ~ ", '<null>')") -%}
        {%- if not loop.last -%} {%- do parts.append("'|'") -%} {%- endif -%}
    {%- endfor -%}
    {{ dbt.hash(dbt.concat(parts)) }}
{%- endmacro -%}

{#- Key of a version of an agent, in the order in which versions hold. -#}
{%- macro agent_version() -%}
    agent_id || '@' || cast(valid_from as {{ dbt.type_string() }})
{%- endmacro -%}

{#- Of a date that says too much about a person: what all readers may see of it. -#}
{%- macro year_of(column) -%}
    cast(extract(year from {{ column }}) as {{ dbt.type_bigint() }})
{%- endmacro -%}

{%- macro month_of(column) -%}
    cast({{ dbt.date_trunc('month', column) }} as date)
{%- endmacro -%}

{#- The later delivery day, then the later landing, then the hash: the order never depends on luck. -#}
{%- macro newest_first(table='') -%}
    {%- set of = table ~ '.' if table else '' -%}
    {{ of }}ingest_date desc, {{ of }}_ingested_at desc, {{ of }}_row_hash desc
{%- endmacro -%}
