-- Days that are staged and not in complaints_clean, or the other way round: one of the two lost them or never had them.
with staged as (
    select
        channel,
        ingest_date
    from {{ ref('int_complaints_unioned') }}
    group by channel, ingest_date
),

clean as (
    select
        channel,
        ingest_date
    from {{ ref('complaints_clean') }}
    group by channel, ingest_date
)

select
    coalesce(staged.channel, clean.channel) as channel,
    coalesce(staged.ingest_date, clean.ingest_date) as ingest_date
from staged
full join clean
    on staged.channel = clean.channel and staged.ingest_date = clean.ingest_date
where staged.channel is null or clean.channel is null
