{{ config(materialized='incremental', **laid_out('ingest_date')) }}

-- depends_on: {{ ref('int_days_begun') }}
with delivered as (
    select
        *,
        {{ row_hash(['customer_id', 'name', 'gender', 'date_of_birth', 'signup_date', 'email', 'address']) }}
            as _row_hash,
        {{ lowered(blank_to_null('email')) }} as lowered_email,
        replace({{ blank_to_null('address') }}, chr(13), '') as address_lines
    from {{ delivered_by('customers') }}
    where {{ is_day_to_build('ingest_date') }}
),

mended as (
    select
        *,
        {{ mended_email('lowered_email') }} as mended_email,
        {{ mended_date('date_of_birth') }} as mended_date_of_birth,
        {{ mended_date('signup_date') }} as mended_signup_date,
        {{ dbt.split_part('address_lines', 'chr(10)', -1) }} as last_line,
        {{ trimmed(dbt.split_part('address_lines', 'chr(10)', -1)) }} as locality
    from delivered
),

-- The last line is "City, ST 12345", or "APO AA 12345" for the armed forces.
located as (
    select
        *,
        case
            when address_lines like '%' || chr(10) || '%'
                then left(address_lines, length(address_lines) - length(last_line) - 1)
        end as lines_above,
        (
            {{ matches('locality', '^.+ [A-Z][A-Z] [0-9][0-9][0-9][0-9][0-9]$') }}
            and address_lines like '%' || chr(10) || '%'
        ) as has_readable_address
    from mended
)

select
    {{ lowered(blank_to_null('customer_id')) }} as customer_id,
    {{ blank_to_null('name') }} as customer_name,
    {{ canonical('gender', ['F', 'M'], 'null') }} as gender,
    mended_date_of_birth as date_of_birth,
    mended_signup_date as signup_date,
    mended_email as email,
    case when has_readable_address then {{ trimmed("replace(lines_above, chr(10), ', ')") }} end as address_line,
    case when has_readable_address then regexp_replace(left(locality, length(locality) - 9), '[, ]+$', '') end as city,
    case when has_readable_address then left(right(locality, 8), 2) end as state_code,
    case when has_readable_address then right(locality, 5) end as zip_code,
    coalesce(has_readable_address and left(right(locality, 8), 2) in ('AA', 'AE', 'AP'), false) as is_military_address,
    gender as gender_as_delivered,
    date_of_birth as date_of_birth_as_delivered,
    signup_date as signup_date_as_delivered,
    email as email_as_delivered,
    address as address_as_delivered,
    coalesce(mended_email <> {{ trimmed('email') }}, false) as email_was_repaired,
    coalesce({{ is_email('mended_email') }}, false) as has_valid_email,
    coalesce(has_readable_address, false) as has_readable_address,
    {{ is_unreadable('date_of_birth', 'mended_date_of_birth') }}
    or {{ is_unreadable('signup_date', 'mended_signup_date') }} as has_unreadable_date,
    _row_hash,
    {{ in_utc('_ingested_at') }} as _ingested_at,
    _source_system,
    _source_uri,
    _run_id,
    _rescued,
    ingest_date
from located
