"""Records of a CSV file -> a sample."""

from jobs.adopt.dialects import Dialect, read_records
from jobs.adopt.heads import Head
from jobs.adopt.sample import MAX_ROWS, Row, Sample
from jobs.errors import ConfigurationError


def read_separated(head: Head, dialect: Dialect, uri: str) -> Sample:
    """Records that are not as wide as the header are counted, as a landing rejects them.

    Raises ConfigurationError where a name stands twice in the header, as a landing then refuses the delivery.
    """
    records = read_records(head, dialect, MAX_ROWS + 1) or [[]]
    names = records.pop(0) if dialect.header else [f"column_{number + 1}" for number, _ in enumerate(records[0])]
    if twice := [position for position, name in enumerate(names, start=1) if name in names[: position - 1]]:
        raise ConfigurationError(f"{uri}: columns {twice} have the name of one before them; ask for names that differ")
    sound = [record for record in records if len(record) == len(names)]
    rows: list[Row] = [dict(zip(names, record, strict=True)) for record in sound]
    broken_lines = any("\n" in value for record in sound for value in record)
    notes = ("some values hold line ends",) if broken_lines else ()
    is_whole = head.is_whole and len(records) < MAX_ROWS
    return Sample(tuple(names), rows, len(records) - len(sound), is_whole, notes)
