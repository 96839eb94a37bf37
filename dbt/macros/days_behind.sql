{#- Logs the first of the days from `first` to `last` that Silver does not hold as Bronze does: landed anew since it was
    built, loaded late, or withdrawn. Before anything was built there is none. -#}
{%- macro tell_days_behind(first, last) -%}
    {%- set there = [] -%}
    {%- for feed in feeds() if not is_left_out(feed) and load_relation(ref('stg_' ~ feed)) -%}
        {%- do there.append(feed) -%}
    {%- endfor -%}
    {%- if there -%}
        {%- set day = run_query(first_day_behind(there, first, last)).columns[0].values()[0] -%}
        {{ log('silver is behind from ' ~ day, info=true) if day }}
    {%- endif -%}
{%- endmacro -%}

{%- macro first_day_behind(feeds, first, last) -%}
    select cast(min(behind.ingest_date) as {{ dbt.type_string() }}) as first_day
    from (
        {%- for feed in feeds %}
        select coalesce(landed.ingest_date, built.ingest_date) as ingest_date
        from {{ runs_held_by(source('bronze', feed), first, last) }} as landed
        full outer join {{ runs_held_by(ref('stg_' ~ feed), first, last) }} as built
            on landed.ingest_date = built.ingest_date
        where
            landed.ingest_date is null
            or built.ingest_date is null
            or landed.first_run <> built.first_run
            or landed.last_run <> built.last_run
            or landed.held_rows <> built.held_rows
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as behind
{%- endmacro -%}

{%- macro runs_held_by(relation, first, last) -%}
    (
        select
            ingest_date,
            min(_run_id) as first_run,
            max(_run_id) as last_run,
            count(*) as held_rows
        from {{ relation }}
        where ingest_date between date '{{ first }}' and date '{{ last }}'
        group by ingest_date
    )
{%- endmacro -%}
