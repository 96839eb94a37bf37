"""What one task does: read a split, write its rows and its rejected records, and let both add up.

Two attempts of one split, Spark's retries and speculation among them, end with one file: it is put if absent, and
what is told of the split is what the file that stands there says, its footer and the counts kept in it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.clients import store
from jobs.clients.location import Location
from jobs.errors import BalanceError, PlatformError
from jobs.landing.rejected import RejectedFile
from jobs.landing.split import Counts, RejectedRows, Split, SplitResult
from jobs.landing.writer import Stamp, create_parquet_file, make_schema, stamp_batch

REJECTED = "rejected"
_COUNTS = "coretelecoms.split"  # key of a file's own metadata


@dataclass(frozen=True)
class LandSplit:
    """A task of a landing: callable with a split and the name of its file; can be pickled.

    `description`: what the landing is called in Spark's UI; `folder`: the landing's; `into`: the sub-folder of this
    attempt's rows.
    """

    description: str
    columns: Sequence[str]
    stamp: Stamp
    folder: Location
    into: str

    def __call__(self, named: tuple[str, Split]) -> SplitResult:
        """What a user is to read is handed back: raised in a Spark task it would be tried again, and lose its type."""
        try:
            return self._land(*named)
        except PlatformError as error:
            return SplitResult.from_error(error.with_traceback(None))

    def _land(self, name: str, split: Split) -> SplitResult:
        schema = make_schema(self.columns)
        target = self.folder / self.into / f"{name}.zstd.parquet"
        rejected = RejectedFile(self.folder / REJECTED / target.name, self.stamp, split.uri)
        counts = Counts(rejected.add)
        with create_parquet_file(target, schema) as landed:
            with rejected:
                for batch in split.read_batches(counts):
                    landed.add(stamp_batch(batch, self.stamp, split.uri, schema))
            landed.keep(_COUNTS, _to_json(counts, rejected.count_rows()))
        result = _read_result(target)
        if result.records != result.rows + result.rejected.rows:
            raise BalanceError(
                f"{split.uri}, bytes {result.first_byte} to {result.end_byte}: {result.records} records delivered, "
                f"{result.rows} landed, {result.rejected.rows} rejected"
            )
        return result


def _to_json(counts: Counts, rejected: RejectedRows) -> str:
    fields = {
        "records": counts.records,
        "rejected": rejected._asdict() | {"reasons": dict(rejected.reasons)},
        "lines": counts.lines,
        "first_byte": counts.first_byte,
        "end_byte": counts.end_byte,
        "columns": list(counts.columns),
        "apart": counts.apart,
    }
    return json.dumps(fields)


def _read_result(at: Location) -> SplitResult:
    """What the file at `at` says of its split, whichever attempt made it."""
    footer = store.read_footer(at)
    fields = json.loads(footer.metadata[_COUNTS])
    fields |= {"rejected": RejectedRows(**fields["rejected"]), "columns": tuple(fields["columns"])}
    return SplitResult(path=at.name, rows=footer.rows, bytes=footer.bytes, **fields)
