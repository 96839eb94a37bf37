{#- One row per combination of the columns, and none of them null. Of a table of Gold of which only what changed was
    built: what is published is so, what was built is so, and lies within what it replaces; hence the whole is so. -#}
{% test grain(model, columns) %}

select
    {{ columns | join(', ') }},
    count(*) as rows_found
from {{ tested_rows(model) }}
group by {{ columns | join(', ') }}
having count(*) > 1 or {{ columns | join(' is null or ') }} is null
{%- set meta = meta_of(model) %}
{%- if meta.get('changed') and not is_anew() %}
union all
select
    {{ columns | join(', ') }},
    1 as rows_found
from {{ built(model) }} as built
where not {{ is_changed_row('built', meta.changed, meta.key) }}
{%- endif %}

{% endtest %}
