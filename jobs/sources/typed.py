"""Typed values as text, the same whatever kind of file they come in: the table of docs/sources.md."""

from datetime import date, datetime, time, timedelta
from struct import pack

WHOLE = 2**53  # whole numbers that a double holds each of


def format_number(number: float) -> str:
    """A whole number without a point; else the fewest digits that read back as the same number."""
    if isinstance(number, int) or (number.is_integer() and abs(number) <= WHOLE):
        return str(int(number))
    return repr(number)


def format_single(number: float) -> str:
    """One that was kept in four bytes: the fewest digits that read back as the same four."""
    kept = pack("f", number)
    shortest = next(text for digits in range(1, 10) if pack("f", float(text := f"{number:.{digits}g}")) == kept)
    return format_number(float(shortest))


def format_moment(moment: date | time) -> str:
    """A day alone where its time is midnight, as a sheet has it, which knows no difference."""
    if isinstance(moment, time):
        return trim_fraction(moment.isoformat())
    if not isinstance(moment, datetime) or moment.time() == time():
        return moment.strftime("%Y-%m-%d").rjust(10, "0")
    return trim_fraction(moment.isoformat(" "))


def format_duration(duration: timedelta) -> str:
    """Hours, however many, minutes and seconds."""
    micros = duration // timedelta(microseconds=1)
    seconds, fraction = divmod(abs(micros), 10**6)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06}"
    return "-" * (micros < 0) + trim_fraction(clock)


def trim_fraction(moment: str) -> str:
    """Without the zeros at the end of its fraction of a second; of none nothing is left."""
    return moment.rstrip("0").rstrip(".") if "." in moment else moment
