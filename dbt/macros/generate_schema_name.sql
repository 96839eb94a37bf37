{#- Schemas are named by the environment, not after the user who builds. -#}
{%- macro generate_schema_name(custom_schema_name, node) -%}
    {{ schema_of(custom_schema_name) }}
{%- endmacro -%}

{#- Of a layer: Silver's is the target's own; gold, what of gold not all readers are given, and where Gold is built beside
    what they read have a variable each. -#}
{%- macro schema_of(layer) -%}
    {%- set gold = env_var('CORETELECOMS_GOLD', 'coretelecoms_gold') -%}
    {%- if layer == 'gold' -%} {{ return(gold) }}
    {%- elif layer == 'gold_private' -%} {{ return(env_var('CORETELECOMS_GOLD_PRIVATE', gold ~ '_private')) }}
    {%- elif layer == 'gold_build' -%} {{ return(env_var('CORETELECOMS_GOLD_BUILD', gold ~ '_build')) }}
    {%- else -%} {{ return(target.schema) }}
    {%- endif -%}
{%- endmacro -%}
