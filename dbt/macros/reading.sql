{#- How suppliers write days, numbers and flags, where that is not the way of macros/mending.sql: each is told by name, as
    `adopt` found it, and each means the same on all warehouses. -#}

{#- The text of a day in ISO 8601, with the time behind it as it came; null where it is written in another way.
    `written`: the order and the mark, as dd/mm/yyyy, yyyy-m-d, or yyyymmdd. Hours and days may have one digit. -#}
{%- macro iso_text(column, written) -%}
    {%- set written = 'yyyy-mm-dd' if written == 'yyyy-m-d' else written -%}
    {%- set text = trimmed(column) -%}
    {%- if written == 'yyyymmdd' -%}
    case
        when {{ matches(text, '^[0-9]{8}$') }}
            then substr({{ text }}, 1, 4) || '-' || substr({{ text }}, 5, 2) || '-' || substr({{ text }}, 7, 2)
    end
    {%- else -%}
    {%- set mark = written | replace('y', '') | replace('m', '') | replace('d', '') | first -%}
    {%- set units = written.split(mark) -%}
    {%- set day = dbt.split_part("replace(" ~ text ~ ", 'T', ' ')", "' '", 1) -%}
    {%- set time = "substr(" ~ text ~ ", length(" ~ day ~ ") + 1)" -%}
    {%- set digits = {'yyyy': '[0-9]{4}', 'mm': '[0-9]{1,2}', 'dd': '[0-9]{1,2}'} -%}
    {%- set between = '[' ~ mark ~ ']' -%}
    {%- set shape = digits[units[0]] ~ between ~ digits[units[1]] ~ between ~ digits[units[2]] -%}
    {%- set parts = {} -%}
    {%- for unit in units -%}
        {%- do parts.update({unit: dbt.split_part(day, "'" ~ mark ~ "'", loop.index)}) -%}
    {%- endfor -%}
    case
        when {{ matches(text, '^' ~ shape ~ '([ T][0-9]{1,2}:[0-9:.+ UTCZ-]*)?$') }}
            then {{ parts['yyyy'] }} || '-' || lpad({{ parts['mm'] }}, 2, '0') || '-' || lpad({{ parts['dd'] }}, 2, '0')
                || case
                    when {{ time }} like '__:%' then ' 0' || substr({{ time }}, 2)
                    else {{ time }}
                end
    end
    {%- endif -%}
{%- endmacro -%}

{#- `written`: what point and comma mean in it, as 1234.5, 1234,5, 1,234.5 or 1.234,5. No more digits than every
    warehouse's numeric holds. -#}
{%- macro mended_decimal(column, written) -%}
    {%- set text = trimmed(column) -%}
    {%- set mark = written[-2] -%}
    {%- set group = written[1] if written[1] in ',.' else '' -%}
    {%- set plain = "replace(" ~ text ~ ", '+', '')" -%}
    {%- set ungrouped = "replace(" ~ plain ~ ", '" ~ group ~ "', '')" if group else plain -%}
    {%- set grouped = '|[1-9][0-9]{0,2}([' ~ group ~ '][0-9]{3}){1,5}' if group else '' -%}
    case
        when {{ matches(text, '^[+-]?([0-9]{1,18}' ~ grouped ~ ')([' ~ mark ~ '][0-9]{1,9})?$') }}
            then {{ dbt.safe_cast("replace(" ~ ungrouped ~ ", ',', '.')", 'numeric(38, 9)') }}
    end
{%- endmacro -%}

{#- As mended_count, with a sign. -#}
{%- macro mended_whole(column) -%}
    {%- set text = trimmed(column) -%}
    case
        when {{ matches(text, '^[+-]?0*[0-9]{1,18}$') }}
            then {{ dbt.safe_cast("replace(" ~ text ~ ", '+', '')", dbt.type_bigint()) }}
    end
{%- endmacro -%}

{%- macro mended_flag(column, yes, no) -%}
    case {{ lowered(trimmed(column)) }} when '{{ yes }}' then true when '{{ no }}' then false end
{%- endmacro -%}
