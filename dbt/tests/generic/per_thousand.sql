{#- How many rows of a thousand meet the condition, none where the feed that it is about is left out; warn_if and
    error_if compare with that number. -#}
{% test per_thousand(model, condition, feed=none) %}

{{ config(fail_calc='coalesce(max(per_thousand), 0)') }}

select cast(ceil(1000.0 * sum(case when {{ 'false' if feed and is_left_out(feed) else condition }} then 1 else 0 end) / nullif(count(*), 0)) as {{ dbt.type_int() }}) as per_thousand
from {{ model }}

{% endtest %}
