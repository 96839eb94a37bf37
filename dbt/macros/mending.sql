{#- The rules that mend what suppliers send. Each has a unit test; the delivered value stays beside the mended one. -#}

{%- macro blank_to_null(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro -%}

{#- One of the canonical values whatever its case and separators; others as `otherwise` says (an expression). -#}
{%- macro canonical(column, values, otherwise) -%}
    case lower(replace(replace(trim({{ column }}), '-', ' '), '_', ' '))
        {%- for value in values %}
        when '{{ value | lower | replace("-", " ") }}' then '{{ value }}'
        {%- endfor %}
        else {{ otherwise }}
    end
{%- endmacro -%}

{%- macro mended_status(column) -%}
    {{ canonical(column, ['Resolved', 'In-Progress', 'Backlog', 'Blocked'], "'Unknown'") }}
{%- endmacro -%}

{#- A category nobody has seen before is kept as it came: it is news, not a mistake. -#}
{%- macro mended_category(column) -%}
    {{ canonical(
        column,
        ['Technician Support', 'Network Failure', 'Router Delivery', 'Payments'],
        "coalesce(" ~ blank_to_null(column) ~ ", 'Unknown')"
    ) }}
{%- endmacro -%}

{#- Two of the supplier's domains are misspelt in most rows: GmaiL.om and hotmai.com. -#}
{%- macro mended_email(column) -%}
    {%- set email -%} lower({{ blank_to_null(column) }}) {%- endset -%}
    case
        when {{ email }} like '%@hotmai.com' then left({{ email }}, length({{ email }}) - 4) || 'l.com'
        when {{ email }} like '%@hotmai.om' then left({{ email }}, length({{ email }}) - 3) || 'l.com'
        when {{ email }} like '%@%.om' then left({{ email }}, length({{ email }}) - 3) || '.com'
        else {{ email }}
    end
{%- endmacro -%}

{%- macro is_email(column) -%}
    ({{ column }} like '%_@_%._%' and {{ column }} not like '%@%@%' and {{ column }} not like '% %')
{%- endmacro -%}

{#- Text without zone is read as UTC. The pattern keeps out words that only some warehouses take for moments. -#}
{%- macro mended_timestamp(column) -%}
    case when trim({{ column }}) like '____-__-__%' then {{ moment('trim(' ~ column ~ ')') }} end
{%- endmacro -%}

{%- macro mended_date(column) -%}
    cast({{ mended_timestamp(column) }} as date)
{%- endmacro -%}

{#- Text that says something, but nothing that could be read. -#}
{%- macro is_unreadable(column, mended) -%}
    ({{ blank_to_null(column) }} is not null and {{ mended }} is null)
{%- endmacro -%}

{#- Digits only: warehouses differ in what else they take for a whole number. -#}
{%- macro mended_count(column) -%}
    case
        when {{ matches('trim(' ~ column ~ ')', '^[0-9]+$') }}
            then {{ dbt.safe_cast('trim(' ~ column ~ ')', dbt.type_bigint()) }}
    end
{%- endmacro -%}
