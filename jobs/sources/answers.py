"""An answer that was fetched into JSON lines, as what a landing reads: one split, every column a string."""

from pathlib import Path

from jobs.clients import store
from jobs.clients.store import Input
from jobs.sources.json_lines import LinesSplit
from jobs.sources.reading import Reading, Request
from jobs.sources.tally import Tally

ITEMS = "items.jsonl"


class Fetched:
    """What all fetched kinds have in common: a look reads everything, and an answer is what it is."""

    is_fetched = True
    fills_scratch = True
    is_replaceable = False
    pauses = ()

    def identify(self, inputs: tuple[Input, ...]) -> tuple[Input, ...]:
        return inputs


def read_answer(request: Request, path: Path, tally: Tally) -> Reading:
    """Read the lines at `path`. An answer without items has the columns that its source contract expects."""
    file = store.hand_over(path, request.scratch)
    split = LinesSplit(request.scratch, file, tally.uri, request.contract, 0, file.size)
    return Reading((tally.input,), [split], records=tally.rows, columns=tuple(request.contract.columns))
