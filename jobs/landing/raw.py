"""The raw zone: a folder a landing, invisible to readers until its manifest is there."""

import shutil
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Protocol

from jobs.clients import store
from jobs.clients.location import Location
from jobs.errors import BalanceError
from jobs.landing.split import Split, SplitResult
from jobs.landing.task import REJECTED, LandSplit
from jobs.landing.writer import Stamp, create_parquet_file
from jobs.ledger.manifest import locate_landing


class Engine(Protocol):
    """Runs tasks side by side; the results come in the order of the splits."""

    def run(self, task: LandSplit, named: Sequence[tuple[str, Split]]) -> list[SplitResult]: ...


def _accept(results: list[SplitResult]) -> list[SplitResult]:
    for result in results:
        if result.error:
            raise result.error
    return results


class Landing:
    """Writes one source's day in one run; each attempt into a folder of its own, nothing is overwritten."""

    def __init__(self, lake: Location, source: str, columns: Sequence[str], stamp: Stamp) -> None:
        self._folder = locate_landing(lake, source, stamp.day, stamp.run_id)
        self._description = f"{source} {stamp.day}"
        self._columns, self._stamp = columns, stamp

    def discard(self) -> None:
        """A landing that will have no manifest; on S3 it stays, unseen, for nobody who lands may delete there."""
        if isinstance(self._folder, Path):
            shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, engine: Engine, splits: Sequence[Split], into: str) -> list[SplitResult]:
        """Land the splits in a sub-folder and tell what became of each. Raises PlatformError."""
        task = LandSplit(self._description, self._columns, self._stamp, self._folder, into)
        named = [(f"part-{number:05}", split) for number, split in enumerate(splits)]
        results = _accept(engine.run(task, named))
        chains = groupby(zip(named, results, strict=True), key=lambda pair: pair[0][1].uri)
        landed = [result for _, chain in chains for result in self._chain(engine, task, list(chain))]
        for result in landed:
            if result.rejected.path:  # by which a bucket's lifecycle knows them: prefixes have no wildcard
                store.tag(self._folder / REJECTED / result.rejected.path, zone=REJECTED)
        return landed

    def _chain(
        self, engine: Engine, task: LandSplit, chain: list[tuple[tuple[str, Split], SplitResult]]
    ) -> list[SplitResult]:
        """Splits of one file: each begins where the one before it ended, else it is read again from there.

        So the rows are those of one reading from the first byte to the last, wherever a split guessed its beginning.
        """
        results: list[SplitResult] = []
        lines = 0
        for (name, split), guessed in chain:
            result = guessed
            if split.size is None:
                results.append(result)
                continue
            if results and guessed.first_byte != results[-1].end_byte:
                self._forget(task.into, guessed)
                again = (f"{name}-again", split.start_at(results[-1].end_byte))
                (result,) = _accept(engine.run(task, [again]))
            results.append(self._renumber(result, lines) if lines and result.rejected.rows else result)
            lines += result.lines
        size = chain[-1][0][1].size
        if size is not None and results[-1].end_byte != size:
            raise BalanceError(f"{chain[-1][0][1].uri}: {size} bytes, read up to byte {results[-1].end_byte}")
        return results

    def _forget(self, into: str, wrong: SplitResult) -> None:
        """What began in the midst of a record; on S3 it stays until it is swept, named by no manifest."""
        names = [f"{into}/{wrong.path}"] + [f"{REJECTED}/{wrong.rejected.path}"] * bool(wrong.rejected.path)
        for at in (self._folder / name for name in names):
            if isinstance(at, Path):
                at.unlink()

    def _renumber(self, result: SplitResult, lines: int) -> SplitResult:
        """The same with its rejected records' positions counted from the file's first line."""
        import pyarrow.compute as pc  # only here: to import it costs a twentieth of a small day

        at = self._folder / REJECTED / result.rejected.path
        new = self._folder / REJECTED / f"{at.name.partition('.')[0]}-lines.zstd.parquet"
        with store.open_parquet(at) as old, create_parquet_file(new, old.schema_arrow) as file:
            for batch in old.iter_batches(1000):
                column = batch.schema.get_field_index("_position")
                field = old.schema_arrow.field("_position")
                file.add(batch.set_column(column, field, pc.add(batch.column(column), lines)))
        if isinstance(at, Path):
            at.unlink()
        footer = store.read_footer(new)
        rejected = result.rejected._replace(path=new.name, rows=footer.rows, bytes=footer.bytes)
        return result._replace(rejected=rejected)
