-- What is counted of a customer: counts by adding, the first and the last complaint by comparing. Where the first or
-- the last one itself went back, the next one has to be looked for in all of history.
with changed as (
    select
        *,
        coalesce(opened_at, {{ moment_of('0001-01-01') }}) as opened_or_first
    from {{ ref('changed_facts') }}
    where has_known_customer
),

now_last as (
    select *
    from changed
    where sign = 1
    qualify row_number() over (
        partition by customer_key
        order by reported_date desc, opened_or_first desc, channel asc, complaint_id asc
    ) = 1
),

added as (
    select
        customer_key,
        sum(sign) as complaints,
        sum(case when is_resolved then sign else 0 end) as resolved,
        sum(case when channel = 'Call' then sign else 0 end) as calls,
        sum(case when channel = 'Web form' then sign else 0 end) as web_forms,
        sum(case when channel = 'Social media' then sign else 0 end) as social_media,
        min(case when sign = 1 then reported_date end) as now_first,
        min(case when sign = -1 then reported_date end) as was_first
    from changed
    group by customer_key
),

published as (
    select
        *,
        coalesce(last_opened_at, {{ moment_of('0001-01-01') }}) as opened_or_first
    from {{ published('customer_360') }}
),

lost_last as (
    select changed.customer_key
    from changed
    inner join published
        on
            changed.customer_key = published.customer_key
            and changed.channel = published.last_channel
            and changed.complaint_id = published.last_complaint_id
    where changed.sign = -1
),

compared as (
    select
        customers.customer_key,
        {%- for measure in ['complaints', 'resolved', 'calls', 'web_forms', 'social_media'] %}
        coalesce(was.{{ measure }}, 0) + coalesce(added.{{ measure }}, 0) as {{ measure }},
        {%- endfor %}
        was.first_reported_date,
        added.now_first,
        added.was_first,
        {%- for column in ['reported_date', 'category', 'status', 'channel', 'opened_at', 'complaint_id'] %}
        was.last_{{ column }},
        {%- endfor %}
        now_last.reported_date as now_reported_date,
        now_last.complaint_category as now_category,
        now_last.resolution_status as now_status,
        now_last.channel as now_channel,
        now_last.opened_at as now_opened_at,
        now_last.complaint_id as now_complaint_id,
        lost_last.customer_key is not null as has_lost_last,
        now_last.customer_key is not null and (
            was.last_reported_date is null
            or now_last.reported_date > was.last_reported_date
            or (
                now_last.reported_date = was.last_reported_date
                and (
                    now_last.opened_or_first > was.opened_or_first
                    or (
                        now_last.opened_or_first = was.opened_or_first
                        and (
                            now_last.channel < was.last_channel
                            or (
                                now_last.channel = was.last_channel
                                and now_last.complaint_id <= was.last_complaint_id
                            )
                        )
                    )
                )
            )
        ) as is_now_last
    from {{ ref('changed_customers_counted') }} as customers
    left join published as was on customers.customer_key = was.customer_key
    left join added on customers.customer_key = added.customer_key
    left join now_last on customers.customer_key = now_last.customer_key
    left join lost_last on customers.customer_key = lost_last.customer_key
)

select
    customer_key,
    complaints,
    resolved,
    calls,
    web_forms,
    social_media,
    case
        when now_first is null or first_reported_date < now_first then first_reported_date
        else now_first
    end as first_reported_date,
    {%- for column in ['reported_date', 'category', 'status', 'channel', 'opened_at', 'complaint_id'] %}
    case when is_now_last then now_{{ column }} else last_{{ column }} end as last_{{ column }},
    {%- endfor %}
    (has_lost_last and not is_now_last)
    or coalesce(
        was_first = first_reported_date and (now_first is null or now_first > first_reported_date), false
    ) as needs_history
from compared
