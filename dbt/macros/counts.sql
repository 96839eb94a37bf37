{%- macro count_all() -%}
    cast(count(*) as {{ dbt.type_bigint() }})
{%- endmacro -%}

{%- macro count_where(condition) -%}
    cast(sum(case when {{ condition }} then 1 else 0 end) as {{ dbt.type_bigint() }})
{%- endmacro -%}
