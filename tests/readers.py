"""Which columns identify persons, by any name they have between delivery and Gold: no reader of Gold is given one."""

from collections.abc import Iterable

IDENTIFYING = {
    *("name", "customer_name", "agent_name"),
    *("gender", "date_of_birth", "signup_date", "email"),
    *("address", "address_line", "city", "zip_code"),
}


def identifying_columns(names: Iterable[str]) -> set[str]:
    """Of `names` those that identify a person, also as delivered, and the columns that no contract knows."""
    return {name for name in names if name.lower().removesuffix("_as_delivered") in {*IDENTIFYING, "_rescued"}}
