{#- Schemas are named by the environment, not after the user who builds: silver, gold and what of gold
    not all readers are given have a variable each. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name == 'gold' -%}
        {{ env_var('CORETELECOMS_GOLD', 'coretelecoms_gold') }}
    {%- elif custom_schema_name == 'gold_private' -%}
        {{ env_var('CORETELECOMS_GOLD_PRIVATE', env_var('CORETELECOMS_GOLD', 'coretelecoms_gold') ~ '_private') }}
    {%- else -%}
        {{ target.schema }}
    {%- endif -%}
{%- endmacro -%}
