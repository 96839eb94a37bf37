{#- How many rows of a thousand meet the condition; warn_if and error_if compare with that number. -#}
{% test per_thousand(model, condition) %}

{{ config(fail_calc='coalesce(max(per_thousand), 0)') }}

select cast(ceil(1000.0 * sum(case when {{ condition }} then 1 else 0 end) / nullif(count(*), 0)) as {{ dbt.type_int() }}) as per_thousand
from {{ model }}

{% endtest %}
