{{ config(
    materialized='published',
    meta=changed_by(
        'changed_repeats',
        ['reported_date', 'channel_key', 'complaint_category', 'complaint_number'],
        'reported_date'
    ),
    **laid_out('reported_date', ['channel_key'])
) }}

select
    reported_date,
    channel,
    channel_key,
    complaint_category,
    complaint_number,
    complaints
from {{ ref('changed_repeats') }}
where complaints > 0
