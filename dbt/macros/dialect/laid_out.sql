{#- How a table lies in the warehouse, for config(..., **laid_out(...)): a partition a day of `by`, clustered by `within`. -#}
{%- macro laid_out(by=none, within=none) -%}
    {{ return(adapter.dispatch('laid_out', 'coretelecoms')(by, within)) }}
{%- endmacro -%}

{%- macro default__laid_out(by, within) -%}
    {{ return({}) }}
{%- endmacro -%}

{%- macro bigquery__laid_out(by, within) -%}
    {%- set found = {} -%}
    {%- if by -%} {%- do found.update(partition_by={'field': by, 'data_type': 'date'}) -%} {%- endif -%}
    {%- if within -%} {%- do found.update(cluster_by=within) -%} {%- endif -%}
    {{ return(found) }}
{%- endmacro -%}
