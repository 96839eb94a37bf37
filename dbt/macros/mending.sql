{#- The rules that mend what suppliers send. Each has a unit test; the delivered value stays beside the mended one.
    Each means the same on all warehouses: docs/hostile-deliveries.md, "What mended text means". -#}

{#- Of seven characters, named: by itself, trim means blanks in one warehouse and Unicode's white space in another. -#}
{%- macro trimmed(text) -%}
    trim({{ text }}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(160))
{%- endmacro -%}

{%- macro blank_to_null(column) -%}
    nullif({{ trimmed(column) }}, '')
{%- endmacro -%}

{#- One of the canonical values whatever its case and separators; others as `otherwise` says (an expression). -#}
{%- macro canonical(column, values, otherwise) -%}
    case {{ lowered("replace(replace(" ~ trimmed(column) ~ ", '-', ' '), '_', ' ')") }}
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

{#- Of an address in small letters. Two of the supplier's domains are misspelt in most rows: GmaiL.om and hotmai.com. -#}
{%- macro mended_email(email) -%}
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

{#- A day, or a day and a time as databases, spreadsheets, forms and other programs write them. Whatever else some
    warehouse takes for a moment (24:00:00, EST, the year 0, +15:00) is none. In the last day that all of them know,
    an offset to the west would lead out of it. -#}
{%- macro is_moment(text) -%}
    {%- set day = '[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' -%}
    {%- set time = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?' -%}
    {%- set offset = '(Z| UTC|[+-](0[0-9]|1[0-3])(:?[0-5][0-9])?|[+-]14(:?00)?)' -%}
    ({{ matches(text, '^' ~ day ~ '([ T]' ~ time ~ offset ~ '?)?$') }} and {{ text }} not like '9999-12-31%-%')
{%- endmacro -%}

{#- Text without zone is read as UTC. -#}
{%- macro mended_timestamp(column) -%}
    {%- set text = trimmed(column) -%}
    case when {{ is_moment(text) }} then {{ moment(text) }} end
{%- endmacro -%}

{%- macro mended_date(column) -%}
    cast({{ mended_timestamp(column) }} as date)
{%- endmacro -%}

{#- Text that says something, but nothing that could be read. -#}
{%- macro is_unreadable(column, mended) -%}
    ({{ blank_to_null(column) }} is not null and {{ mended }} is null)
{%- endmacro -%}

{#- Digits only, and no more than every warehouse's whole numbers hold: they differ in what else they take for one. -#}
{%- macro mended_count(column) -%}
    {%- set text = trimmed(column) -%}
    case when {{ matches(text, '^0*[0-9]{1,18}$') }} then {{ dbt.safe_cast(text, dbt.type_bigint()) }} end
{%- endmacro -%}
