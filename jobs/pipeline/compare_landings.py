"""How two landings of a day differ, read in shares by the ends of their keys: memory goes with a share."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs.clients import store
from jobs.clients.location import Location
from jobs.contracts.source import SourceContract
from jobs.ledger.manifest import Manifest, locate_landing
from jobs.pipeline.compare_tables import Difference, compare_tables, count_duplicates

ROWS_A_SHARE = 500_000
END = 3  # bytes of a key, by which its rows are shared out
compute: Any = pc


def compare_landings(
    contract: SourceContract, before: tuple[Location, Manifest], after: tuple[Location, Manifest]
) -> Difference:
    """Of two landings, each in its lake: columns as they land, and `_rescued`; one that a landing has not is null."""
    names = [*dict.fromkeys([*contract.key, *contract.columns.values(), "_rescued"])]
    both = [(lake, manifest, names) for lake, manifest in (before, after)]
    shares = _choose_shares(both, contract.key)
    if len(shares) == 1:
        was, now = (pa.Table.from_batches(_read(*one), _schema(names)) for one in both)
        return compare_tables(was, now, contract.key)
    found = Difference()
    with tempfile.TemporaryDirectory() as folder:
        halves = [_share_out(_read(*one), contract.key, shares, Path(folder, str(at))) for at, one in enumerate(both)]
        for was, now in zip(*halves, strict=True):
            found.add(compare_tables(_open(was, names), _open(now, names), contract.key))
    return found


def count_landed_duplicates(contract: SourceContract, lake: Location, manifest: Manifest) -> int:
    """Rows of a landing besides the first of their key."""
    one = (lake, manifest, [*contract.key])
    shares = _choose_shares([one], contract.key)
    if len(shares) == 1:
        return count_duplicates(pa.Table.from_batches(_read(*one), _schema(contract.key)), contract.key)
    with tempfile.TemporaryDirectory() as folder:
        paths = _share_out(_read(*one), contract.key, shares, Path(folder, "keys"))
        return sum(count_duplicates(_open(path, contract.key), contract.key) for path in paths)


def _schema(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in names])


def _read(lake: Location, manifest: Manifest, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    folder = locate_landing(lake, manifest.source, manifest.ingest_date, manifest.run_id)
    for landed in manifest.files:
        with store.open_parquet(folder / landed.path) as file:
            there = [name for name in names if name in file.schema_arrow.names]
            for batch in file.iter_batches(columns=there):
                nothing = pa.nulls(len(batch), pa.string())
                columns = [batch[name].cast(pa.string()) if name in there else nothing for name in names]
                yield pa.RecordBatch.from_arrays(columns, schema=_schema(names))


def _end_of(batch: pa.RecordBatch, key: Sequence[str]) -> Any:
    """The last bytes of a row's key, all its columns together."""
    texts = [compute.fill_null(batch[name], "") for name in key]
    whole = texts[0] if len(texts) == 1 else compute.binary_join_element_wise(*texts, "")
    return compute.binary_slice(whole.cast(pa.binary()), -END, None)


def _choose_shares(both: Sequence[tuple[Location, Manifest, list[str]]], key: Sequence[str]) -> list[list[bytes]]:
    """Ends of keys together, so that the rows of each share are few; one share where all rows are."""
    if max(manifest.rows_landed for _, manifest, _ in both) <= ROWS_A_SHARE:
        return [[]]
    rows: Counter[bytes] = Counter()
    for lake, manifest, _ in both:
        for batch in _read(lake, manifest, key):
            for counted in compute.value_counts(_end_of(batch, key)).to_pylist():
                rows[counted["values"]] += counted["counts"]
    shares: list[list[bytes]] = [[]]
    held = 0
    for end, number in sorted(rows.items()):
        if held and held + number > 2 * ROWS_A_SHARE:
            shares.append([])
            held = 0
        shares[-1].append(end)
        held += number
    return shares


def _share_out(
    batches: Iterator[pa.RecordBatch], key: Sequence[str], shares: list[list[bytes]], folder: Path
) -> list[Path]:
    """A file a share, in the order of the shares."""
    folder.mkdir()
    paths = [folder / f"{number}.arrow" for number in range(len(shares))]
    ends = pa.array([end for share in shares for end in share], pa.binary())
    share_of = pa.array([number for number, share in enumerate(shares) for _ in share], pa.int32())
    with ExitStack() as stack:
        files: list[Any] = []
        for batch in batches:
            files = files or [stack.enter_context(pa.ipc.new_file(str(path), batch.schema)) for path in paths]
            chosen = share_of.take(compute.index_in(_end_of(batch, key), value_set=ends))
            for number, file in enumerate(files):
                rows = batch.filter(compute.equal(chosen, number))
                if len(rows):
                    file.write_batch(rows)
    return paths


def _open(path: Path, names: Sequence[str]) -> pa.Table:
    if not path.exists():  # of a landing without rows
        return _schema(names).empty_table()
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()
