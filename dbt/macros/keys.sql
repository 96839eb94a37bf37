{#- A hash of what the supplier sent, metadata left out: the same row has the same hash in every run. -#}
{%- macro row_hash(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce(" ~ column ~ ", '<null>')") -%}
        {%- if not loop.last -%} {%- do parts.append("'|'") -%} {%- endif -%}
    {%- endfor -%}
    {{ dbt.hash(dbt.concat(parts)) }}
{%- endmacro -%}

{#- The later delivery day, then the later landing, then the hash: the order never depends on luck. -#}
{%- macro newest_first() -%}
    ingest_date desc, _ingested_at desc, _row_hash desc
{%- endmacro -%}
