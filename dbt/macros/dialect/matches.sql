{#- Whether text matches a regular expression; the pattern names both ends itself, by ^ and $. -#}
{%- macro matches(column, pattern) -%}
    {{ return(adapter.dispatch('matches', 'coretelecoms')(column, pattern)) }}
{%- endmacro -%}

{%- macro default__matches(column, pattern) -%}
    regexp_like({{ column }}, '{{ pattern }}')
{%- endmacro -%}

{%- macro duckdb__matches(column, pattern) -%}
    regexp_matches({{ column }}, '{{ pattern }}')
{%- endmacro -%}

{%- macro bigquery__matches(column, pattern) -%}
    regexp_contains({{ column }}, r'{{ pattern }}')
{%- endmacro -%}
