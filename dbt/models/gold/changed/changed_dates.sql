with dates as (
    select was_reported_date as reported_date
    from {{ ref('changed_complaints') }}
    union all
    select reported_date
    from {{ ref('changed_complaints') }}
)

select distinct reported_date
from dates
where reported_date is not null
