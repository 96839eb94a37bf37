"""What a landing is: its manifest and its amendments, added up."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from jobs.bronze.bronze import Published
from jobs.clients import store
from jobs.errors import BalanceError, PlatformError, SupersededError
from jobs.ledger.amendment import Amendment, Change, Decision, add_up, make_id
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import MANIFEST, DataFile, Manifest
from jobs.pipeline.plan import is_behind
from jobs.pipeline.status import make_outcome
from tests.amendments import locate, suppress
from tests.conftest import DAY, DAYS, World
from tests.manifests import NOW, manifest_of
from tests.unit.test_bronze_delta import landing

WITHDRAWN, DISCARDED = Decision(decided="withdrawn", who="ops"), Decision(decided="discarded", who="ops")


def file(path: str, rows: int) -> DataFile:
    return DataFile(path=path, rows=rows, bytes=rows)


def manifest() -> Manifest:
    rejected = {"rejected_files": (file("rejected/part-0.parquet", 2),), "rows_rejected": 2, "rows_delivered": 12}
    return manifest_of("R1", 10, DAY, ["agent_id"]).model_copy(update=rejected)


def change(**facts: object) -> Change:
    counts = {"rows_landed": 10, "rows_rejected": 2, "rows_suppressed": 0, "rows_supplemented": 0}
    return Change.model_validate(counts | facts)


def amendment(number: int, what: Change | Decision) -> Amendment:
    named = {"source": "agents", "ingest_date": DAY, "run_id": "R1", "made_at": NOW, "code_version": "0", "why": "x"}
    kind = "change" if isinstance(what, Change) else "decision"
    return Amendment.model_validate({**named, "id": make_id(number), kind: what})


SUPPRESSED = change(
    removed=("landed/part-0.parquet",), files=(file("landed-1/part-0.parquet", 9),), rows_landed=9, rows_suppressed=1
)
SUPPLEMENTED = change(
    removed=("rejected/part-0.parquet",),
    files=(file("landed-2/part-0.parquet", 2),),
    rows_landed=11,
    rows_rejected=0,
    rows_suppressed=1,
    rows_supplemented=2,
)


def test_without_amendments_a_landing_is_its_manifest() -> None:
    assert add_up(manifest(), []) == manifest()
    assert manifest().version == "R1"


def test_amendments_add_up_in_their_order_whatever_order_they_are_listed_in() -> None:
    found = add_up(manifest(), [amendment(2, SUPPLEMENTED), amendment(1, SUPPRESSED)])
    assert (found.version, found.run_id) == ("R1.amendment-0002", "R1")
    assert [one.path for one in found.files] == ["landed-1/part-0.parquet", "landed-2/part-0.parquet"]
    assert found.rejected_files == ()
    assert (found.rows_landed, found.rows_rejected, found.rows_suppressed, found.rows_supplemented) == (11, 0, 1, 2)
    outcome = make_outcome(found, Published(found.version, 11))
    assert (outcome.state, outcome.imbalance, outcome.is_complete) == ("loaded", "", True)
    assert outcome.describe_amendment() == ["1 suppressed", "2 supplemented"]
    assert make_outcome(found.model_copy(update={"rows_suppressed": 0}), None).imbalance == "off by 1 on landing"


def test_of_a_withdrawn_landing_nothing_counts_but_that_it_was_seen() -> None:
    found = add_up(manifest(), [amendment(1, SUPPRESSED), amendment(2, WITHDRAWN)])
    assert (found.files, found.rejected_files, found.inputs) == ((), (), manifest().inputs)
    assert (found.rows_delivered, found.rows_landed, found.rows_rejected, found.rows_suppressed) == (0, 0, 0, 0)
    assert make_outcome(found, Published("R1", 10)).state == "landed"
    outcome = make_outcome(found, Published(found.version, 0))
    assert (outcome.state, outcome.is_complete, outcome.empty) == ("withdrawn", True, False)
    left = make_outcome(found, Published(found.version, 3))
    assert (left.state, left.exit_code, left.imbalance) == ("failed", 65, "off by -3 in Bronze")


def test_versions_sort_as_they_came_to_be() -> None:
    run, later = "20251121T000000000000Z-cafe", "20251121T000000000001Z-0000"
    versions = [run, *(f"{run}.{make_id(number)}" for number in (1, 2, 10, 9_999)), later]
    assert versions == sorted(versions)
    assert is_behind(add_up(manifest(), [amendment(1, SUPPRESSED)]), Published("R1", 10))
    assert not is_behind(manifest(), Published("R1.amendment-0001", 9))
    with pytest.raises(PlatformError, match="are the most"):
        make_id(10_000)


@pytest.mark.parametrize(
    ("recorded", "first", "last", "version"),
    [
        ("R1.amendment-0001", "R1", "R1", "R1.amendment-0001"),
        ("R1", "R1", "R1", "R1"),
        ("R1.amendment-0001", None, None, "R1.amendment-0001"),
        ("R1.amendment-0001", "R2", "R2", "R2"),
        ("R1.amendment-0001", "R1", "R2", ""),
        ("R10", "R1", "R1", "R1"),
    ],
)
def test_a_recorded_amendment_counts_where_the_rows_are_of_its_run(
    recorded: str, first: str | None, last: str | None, version: str
) -> None:
    assert Published.of_rows(recorded, first, last, 9) == (version, 9)


def test_an_amendment_is_put_beside_the_manifest_which_stays_as_it_was(world: World) -> None:
    """An older version reads manifests alone: what it finds there has not changed."""
    ledger, landed = Ledger(world.lake), landing(world, "R1", 10)
    before = store.read(locate(world.lake, landed) / MANIFEST)
    assert b"amendment" not in before
    found = ledger.amend(landed, "asked to be forgotten", suppress(world.lake, landed, 1))
    assert (found.version, found.rows_landed, found.rows_suppressed) == ("R1.amendment-0001", 9, 1)
    assert store.read(locate(world.lake, landed) / MANIFEST) == before
    assert ledger.find_newest("agents", DAY) == found
    assert ledger.read_landings("agents") == {DAY: found}


def test_of_two_who_amend_at_once_one_is_told(world: World) -> None:
    ledger, landed = Ledger(world.lake), landing(world, "R1", 10)

    def amend(number: int) -> bool:
        try:
            ledger.amend(landed, f"reason {number}", Decision(decided="approved", who="ops"))
        except SupersededError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(amend, range(8))) == 1
    with pytest.raises(SupersededError, match=r"R1 was amended meanwhile: R1\.amendment-0001; look at it again"):
        ledger.amend(landed, "late", WITHDRAWN)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rows_landed": 9}, "10 rows delivered, 9 would be landed"),
        ({"removed": ("landed/part-0.parquet",)}, r"10 would be landed \(0 in files\)"),
        ({"rows_suppressed": 1}, "1 suppressed; nothing was amended"),
        ({"removed": ("landed/part-7.parquet",)}, "no file landed/part-7.parquet"),
    ],
)
def test_what_does_not_add_up_is_not_put(wrong: dict[str, object], words: str, world: World) -> None:
    ledger, landed = Ledger(world.lake), landing(world, "R1", 10)
    with pytest.raises(PlatformError, match=words) as error:
        ledger.amend(landed, "x", change(rows_rejected=0, **wrong))
    assert isinstance(error.value, BalanceError) or "no file" in words
    assert ledger.find_newest("agents", DAY) == landed


def test_a_discarded_landing_does_not_count_and_the_one_before_it_does(world: World) -> None:
    ledger, first, second = Ledger(world.lake), landing(world, "R1", 10), landing(world, "R2", 20)
    ledger.amend(second, "a test file", DISCARDED)
    assert ledger.find_newest("agents", DAY) == first
    ledger.amend(first, "another", DISCARDED)
    assert ledger.find_newest("agents", DAY) is None
    assert ledger.find_newest_of_all("agents") is None
    assert ledger.read_landings("agents", DAYS) == {}
    assert [one.version for one in ledger.read_manifests("agents")] == ["R1.amendment-0001", "R2.amendment-0001"]


def test_volume_is_held_against_landings_that_count(world: World) -> None:
    ledger = Ledger(world.lake)
    for day in range(10, 20):
        landed = landing(world, "R1", 100 if day < 17 else 900, date(2025, 11, day))
        if day >= 17:
            ledger.amend(landed, "x", WITHDRAWN if day == 17 else DISCARDED)
    assert ledger.describe_odd_volume("agents", DAY, 900) == "900 rows; the median of the last 7 landings is 100"


def test_an_amendment_that_is_none_is_named(world: World) -> None:
    landed = landing(world, "R1", 10)
    at = locate(world.lake, landed) / "_amendment-0001.json"
    store.put_if_absent(at, b"{}")
    with pytest.raises(PlatformError, match=r"_amendment-0001\.json: no amendment of this platform"):
        Ledger(world.lake).find_newest("agents", DAY)
