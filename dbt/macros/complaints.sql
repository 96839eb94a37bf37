{#- Channels of complaints: those with models of their own, and those that a source contract describes in [complaint]
    (dbt/complaints.py hands them on). -#}
{%- macro described_channels() -%}
    {{ return(fromjson(env_var('CORETELECOMS_COMPLAINTS', '') or '[]')) }}
{%- endmacro -%}

{#- The feeds whose rows are complaints. -#}
{%- macro feeds_of_complaints() -%}
    {{ return(['call_logs', 'social_media', 'web_forms'] + (described_channels() | map(attribute='feed') | list)) }}
{%- endmacro -%}

{%- macro channels() -%}
    {{ return(['Call', 'Web form', 'Social media'] + (described_channels() | map(attribute='channel') | list)) }}
{%- endmacro -%}

{#- Channels whose complaints tell of no customer, or no agent: nothing of them can be known or unknown. -#}
{%- macro channels_without(what) -%}
    {{ return(described_channels() | rejectattr(what) | map(attribute='channel') | list) }}
{%- endmacro -%}

{#- A supplier's texts as ours, in any case; others as `otherwise` says (an expression). -#}
{%- macro mapped(column, ours_by_theirs, otherwise) -%}
    {%- if not ours_by_theirs -%}
    {{ otherwise }}
    {%- else -%}
    case {{ lowered(trimmed(column)) }}
        {%- for theirs, ours in ours_by_theirs.items() %}
        when {{ lowered("'" ~ theirs ~ "'") }} then '{{ ours }}'
        {%- endfor %}
        else {{ otherwise }}
    end
    {%- endif -%}
{%- endmacro -%}

{#- The status that a row tells; where it tells none, whether it was resolved. -#}
{%- macro described_status(it) -%}
    {%- if it.status -%}
    {{ mapped(it.texts.status, it.statuses, mended_status(it.texts.status)) }}
    {%- elif it.resolved -%}
    case when {{ it.resolved }} is null then 'Unknown' else 'Resolved' end
    {%- else -%}
    'Unknown'
    {%- endif -%}
{%- endmacro -%}

{%- macro text_or_null(column) -%}
    cast({{ column or 'null' }} as {{ dbt.type_string() }})
{%- endmacro -%}

{%- macro moment_or_null(column) -%}
    cast({{ column or 'null' }} as {{ dbt.type_timestamp() }})
{%- endmacro -%}

{#- The rows of a described channel, in the columns of int_complaints_unioned, to select from. -#}
{%- macro described_complaints(it) -%}
    (
    select
        '{{ it.key }}' as channel_key,
        '{{ it.channel }}' as channel,
        cast(null as {{ dbt.type_string() }}) as media_channel,
        {% for column in it.ids %}{{ text_or_null(column) }}{{ " || '/' || " if not loop.last }}{% endfor %} as delivered_id,
        {{ lowered(text_or_null(it.customer)) }} as customer_id,
        {{ text_or_null(it.agent) }} as agent_id,
        {{ mapped(it.texts.category, it.categories, mended_category(it.texts.category)) if it.category else "'Unknown'" }}
            as complaint_category,
        {{ described_status(it) }} as resolution_status,
        {{ moment_or_null(it.opened) }} as opened_at,
        {{ moment_or_null(it.resolved) }} as resolved_at,
        cast(null as date) as generation_date,
        {{ text_or_null(it.texts.category) }} as complaint_category_as_delivered,
        {{ text_or_null(it.texts.status) }} as resolution_status_as_delivered,
        {{ text_or_null(it.texts.opened) }} as opened_at_as_delivered,
        {{ text_or_null(it.texts.resolved) }} as resolved_at_as_delivered,
        {{ 'has_unreadable_date' if it.has_unreadable_date else 'false' }} as has_unreadable_date,
        coalesce(cast({{ it.opened }} as date) > ingest_date, false) as has_future_date,
        {% if it.status and it.resolved -%}
        ({{ described_status(it) }} = 'Resolved') <> ({{ it.resolved }} is not null) or
        {% endif -%}
        {{ 'coalesce(' ~ moment_or_null(it.resolved) ~ ' < ' ~ moment_or_null(it.opened) ~ ', false)'
            if it.resolved else 'false' }}
            as has_inconsistent_resolution,
        _row_hash,
        _source_uri,
        _run_id,
        _ingested_at,
        ingest_date
    from {{ ref('stg_' ~ it.feed) }}
    ) as of_{{ it.feed }}
{%- endmacro -%}
