{#- The days asked for are dbt's own event time flags, half open: `--event-time-start 2025-11-20
    --event-time-end 2025-11-21` is one day. Unlike vars they do not make dbt parse the project anew. -#}

{%- macro days_asked() -%}
    {%- set start = invocation_args_dict.get('event_time_start') -%}
    {%- set end = invocation_args_dict.get('event_time_end') -%}
    {%- if not start -%} {{ return(('1900-01-01', '9999-12-31')) }} {%- endif -%}
    {%- set after = modules.datetime.datetime.fromisoformat(end | string) -%}
    {%- set last = after - modules.datetime.timedelta(microseconds=1) -%}
    {{ return(((start | string)[:10], last.strftime('%Y-%m-%d'))) }}
{%- endmacro -%}

{%- macro is_day_asked(column) -%}
    {%- set days = days_asked() -%}
    {{ column }} between date '{{ days[0] }}' and date '{{ days[1] }}'
{%- endmacro -%}

{#- For models: the first build and a full one take every day. -#}
{%- macro is_day_to_build(column) -%}
    {%- if is_incremental() -%}
        {{ is_day_asked(column) }}
    {%- else -%}
        {{ column }} between date '1900-01-01' and date '9999-12-31'
    {%- endif -%}
{%- endmacro -%}

{#- A test of a model's days asks only for those just built where it is configured with `where: __days_asked__`: days can
    be named by a macro alone, and dbt renders none there; `__of_customer__` and `__of_agent__` leave out the channels that
    tell of none. This stands in the place of dbt's own macro. -#}
{%- macro get_where_subquery(relation) -%}
    {%- if config.get('where') == '__days_asked__' -%}
        (select * from {{ relation }} where {{ is_day_asked('ingest_date') }}) as days_asked
    {%- elif config.get('where') in ('__of_customer__', '__of_agent__') -%}
        {%- set without = channels_without(config.get('where')[5:-2]) -%}
        {{ return("(select * from " ~ relation ~ " where channel not in ('" ~ without | join("', '") ~ "')) as of_some"
            if without else relation) }}
    {%- else -%}
        {{ return(dbt.default__get_where_subquery(relation)) }}
    {%- endif -%}
{%- endmacro -%}

{#- Whole days are replaced, also by nothing: delete+insert on ingest_date would keep a day that became empty. -#}
{%- macro get_incremental_replace_days_sql(arguments) -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set statements -%}
    delete from {{ arguments['target_relation'] }}
    where {{ is_day_asked('ingest_date') }};

    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
    {%- endset -%}
    {{ in_one_transaction(statements) }}
{%- endmacro -%}

{#- Which build wrote a day: later ones are greater. -#}
{%- macro this_writing() -%}
    {{ run_started_at.strftime('%Y-%m-%dT%H:%M:%S.%f') }} {{ invocation_id }}
{%- endmacro -%}
