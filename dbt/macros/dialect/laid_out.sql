{#- How a table lies in the warehouse, for config(..., **laid_out(...)): a partition a day of `by`, clustered by `within`.
    `guarded`: a query that does not say which days it reads is refused, also one that wants them all. -#}
{%- macro laid_out(by=none, within=none, guarded=false) -%}
    {{ return(adapter.dispatch('laid_out', 'coretelecoms')(by, within, guarded)) }}
{%- endmacro -%}

{%- macro default__laid_out(by, within, guarded) -%}
    {{ return({}) }}
{%- endmacro -%}

{%- macro bigquery__laid_out(by, within, guarded) -%}
    {%- set found = {} -%}
    {%- if by -%} {%- do found.update(partition_by={'field': by, 'data_type': 'date'}) -%} {%- endif -%}
    {%- if within -%} {%- do found.update(cluster_by=within) -%} {%- endif -%}
    {%- if guarded -%} {%- do found.update(require_partition_filter=true) -%} {%- endif -%}
    {{ return(found) }}
{%- endmacro -%}
