{#- Schemas are named by the environment, not after the user who builds: silver and gold have a variable each. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name == 'gold' -%}
        {{ env_var('CORETELECOMS_GOLD', 'coretelecoms_gold') }}
    {%- else -%}
        {{ target.schema }}
    {%- endif -%}
{%- endmacro -%}
