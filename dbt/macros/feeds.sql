{#- The sources, each with a stg_ model, whose rows are counted from Bronze to Silver. -#}
{%- macro feeds() -%}
    {{ return(['agents', 'customers', 'call_logs', 'social_media', 'web_forms', 'service_outages']) }}
{%- endmacro -%}
