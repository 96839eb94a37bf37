{#- No other channels than those of macros/complaints.sql. -#}
{% test known_channels(model, column_name) %}

select distinct {{ column_name }} as channel
from {{ model }}
where {{ column_name }} is null or {{ column_name }} not in ('{{ channels() | join("', '") }}')

{% endtest %}
