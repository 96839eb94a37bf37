{#- How many rows of a thousand meet the condition, or how many of what `of` counts are of what `condition` counts, none
    where the feed that it is about is left out; warn_if and error_if compare with that number. -#}
{% test per_thousand(model, condition, of=none, feed=none) %}

{{ config(fail_calc='coalesce(max(per_thousand), 0)') }}

{%- set found = condition if of else 'case when ' ~ condition ~ ' then 1 else 0 end' %}
select
    cast(ceil(1000.0 * sum({{ 0 if feed and is_left_out(feed) else found }}) / nullif({{ 'sum(' ~ of ~ ')' if of else 'count(*)' }}, 0)) as {{ dbt.type_int() }})
        as per_thousand
from {{ model }}

{% endtest %}
