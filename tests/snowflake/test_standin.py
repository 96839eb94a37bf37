"""The stand-in answers as Snowflake's documents say, where fakesnow alone would not."""

import pytest

from tests.snowflake.conftest import Snowflake


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("trim('xxaxx', 'x')", "a"),
        ("ltrim('xxaxx', 'x')", "axx"),
        ("rtrim('xxaxx', 'x')", "xxa"),
        ("trim('\t a\u00a0', ' ' || chr(9) || chr(160))", "a"),
        ("trim(' a ')", "a"),
        ("try_cast('2025-02-29 10:00:00' as timestamp_ntz)", None),
        ("try_cast('2025-02-28 10:00:00' as timestamp_ntz)", "2025-02-28 10:00:00"),
        ("try_cast('2025-02-29' as date)", None),
        ("convert_timezone('UTC', try_cast('2025-02-29 10:00:00 +01:00' as timestamp_tz))::timestamp_ntz", None),
    ],
)
def test_an_expression_is_what_snowflake_says_it_is(snow: Snowflake, expression: str, value: str | None) -> None:
    ((found,),) = snow.ask(f"select ({expression})::varchar")  # its client reads a moment that is null as 1970
    assert found == value
