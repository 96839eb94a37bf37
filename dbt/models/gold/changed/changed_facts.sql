-- Complaints that changed: as published (-1), and as they are now (1). What is counted of all history is kept by
-- adding.
{%- set columns %}
        channel,
        complaint_id,
        channel_key,
        customer_key,
        complaint_category,
        resolution_status,
        is_resolved,
        has_known_customer,
        customer_state_code,
        reported_date,
        opened_at
{%- endset %}
with published as (
    select fact.*
    from {{ published('fact_complaints') }} as fact
    inner join {{ ref('changed_complaints') }} as changed
        on fact.channel = changed.channel and fact.complaint_id = changed.complaint_id
    where {{ is_one_of('fact.reported_date', days_of(ref('changed_complaints'), 'was_reported_date')) }}
)

select
    {{ columns }},
    -1 as sign
from published
union all
select
    {{ columns }},
    1 as sign
from {{ built(ref('fact_complaints')) }}
