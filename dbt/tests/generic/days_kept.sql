{#- Days of Bronze that the model no longer holds, although it did: Gold, not built anew yet, still shows them. They are
    lost, and Gold must not be built of the rest. -#}
{% test days_kept(model, feed, shown_by, day='ingest_date') %}

{%- set gold = none -%}
{%- if execute and invocation_args_dict['which'] in ('build', 'test') -%}
    {%- set gold = adapter.get_relation(target.database, generate_schema_name('gold', none), shown_by) -%}
{%- endif %}
with bronze as (
    select ingest_date
    from {{ source('bronze', feed) }}
    where ingest_date between date '1900-01-01' and date '9999-12-31'
    group by ingest_date
),

held as (
    select ingest_date
    from {{ model }}
    group by ingest_date
)

select bronze.ingest_date
from bronze
left join held on bronze.ingest_date = held.ingest_date
where
    held.ingest_date is null
    and {% if gold %}bronze.ingest_date in (select {{ day }} from {{ gold }}){% else %}1 = 0{% endif %}

{% endtest %}
