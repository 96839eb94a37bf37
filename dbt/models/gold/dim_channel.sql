with listed as (
    select
        channel_key,
        channel,
        media_channel
    from {{ ref('channels') }}
),

-- A channel nobody has listed yet: its complaints count all the same.
unlisted as (
    select
        channel_key,
        min(channel) as channel,
        min(media_channel) as media_channel
    from {{ ref('complaints_clean') }}
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
