{#- The sources, each with a stg_ model, whose rows are counted from Bronze to Silver. -#}
{%- macro feeds() -%}
    {{ return(['agents', 'customers', 'call_logs', 'social_media', 'web_forms', 'service_outages']) }}
{%- endmacro -%}

{#- What `call(feed)` selects of each feed, one below the other. -#}
{%- macro of_each_feed() -%}
    {%- for feed in feeds() -%}
    {{ caller(feed) }}
    {%- if not loop.last %}
    union all
    {%- endif -%}
    {%- endfor -%}
{%- endmacro -%}

{#- What a layer, bronze or silver, holds, to select from: feed, ingest_date, held_rows. -#}
{%- macro days_held_by(layer) -%}
    (
    {%- call(feed) of_each_feed() %}
    select
        '{{ feed }}' as feed,
        held.ingest_date,
        held.held_rows
    from (
        {{ default__days_held(delivered_by(feed)) if is_left_out(feed) and layer == 'bronze'
        else days_held(source('bronze', feed) if layer == 'bronze' else ref('stg_' ~ feed)) }}
    ) as held
    {%- endcall %}
    ) as days_held
{%- endmacro -%}
