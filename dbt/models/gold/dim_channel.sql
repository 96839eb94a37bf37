with listed as (
    select
        channel_key,
        channel,
        media_channel
    from {{ ref('channels') }}
),

-- A channel nobody has listed yet: its complaints count all the same. Its network is called as in its key.
unlisted as (
    select
        channel_key,
        min(channel) as channel,
        min(case when channel_key like 'social/%' then substr(channel_key, 8) end) as media_channel
    from {{ ref('agg_complaints_daily') }}
    where channel_key not in (select listed.channel_key from listed)
    group by channel_key
)

select
    *,
    true as is_listed
from listed
union all
select
    *,
    false as is_listed
from unlisted
