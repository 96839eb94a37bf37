"""Manifests and run reports: all the state there is besides the warehouse. No Spark here."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import NamedTuple, TypeVar
from uuid import uuid4

from pydantic import ValidationError

from jobs.clients import store
from jobs.clients.location import Location
from jobs.errors import PlatformError, SupersededError
from jobs.ledger.amendment import Amendment, Change, Decision, add_up, check_change, make_id
from jobs.ledger.manifest import CODE_VERSION, MANIFEST, REFUSED, Manifest, Record, Refusal, locate_landing
from jobs.ledger.outcome import Notice, Outcome, RunReport

VOLUME_SPAN = timedelta(days=92)  # before a day, that its volume is held against
_Kept = TypeVar("_Kept", bound=Record)


class Committed(NamedTuple):
    """Where a landing's manifest is, and its amendments."""

    run_id: str
    manifest: Location
    amendments: tuple[Location, ...]


class Ledger:
    """Reads and adds to what a lake remembers; what is asked of a day costs the same however many there are."""

    def __init__(self, lake: Location) -> None:
        self.lake = lake

    def read_manifests(self, source: str, day: date | None = None) -> list[Manifest]:
        """Of all landings of a source, or of one day of it, oldest run first."""
        landings = self.list_landings(source, (day,) if day else ())
        return sorted((_read(one) for of_day in landings.values() for one in of_day), key=lambda one: one.run_id)

    def find_newest(self, source: str, day: date) -> Manifest | None:
        """The landing of a day that counts: the latest run's that nobody discarded, and that waits for nobody."""
        return self.read_newest(self.list_landings(source, (day,)).get(day, ()))

    def find_newest_of_all(self, source: str) -> Manifest | None:
        """The landing of a static source that counts; none of it lands before its newest one."""
        for name in reversed(store.list_folders(self.lake / "raw" / source)):
            if found := self.find_newest(source, _parse_day(name)):
                return found
        return None

    def read_landings(self, source: str, days: Sequence[date] = ()) -> dict[date, Manifest]:
        """The landing that counts of each day from the first to the last of `days`, or of all."""
        read = {day: self.read_newest(of_day) for day, of_day in self.list_landings(source, days).items()}
        return {day: manifest for day, manifest in read.items() if manifest}

    def read_newest(self, committed: Sequence[Committed]) -> Manifest | None:
        """Of a day's landings, as they are listed, the one that counts; it knows of a newer one that was held."""
        newest: Manifest | None = None
        for manifest in (_read(one) for one in reversed(committed)):
            newest = newest or manifest
            if manifest.counts:
                is_passed_over = newest.held and newest is not manifest
                return manifest.model_copy(update={"passed_over": newest}) if is_passed_over else manifest
        return None

    def list_landings(self, source: str, days: Sequence[date] = ()) -> dict[date, list[Committed]]:
        """Of each day from the first to the last of `days`, or of all, oldest run first. Reads no manifest."""
        pattern = f"{_make_pattern(days)}/run_id=*/_*.json"
        found: dict[str, list[Location]] = {}
        for at in store.list_objects(self.lake / "raw" / source, pattern, *_name_span(days)):
            found.setdefault(str(at).rpartition("/")[0], []).append(at)
        landings: dict[date, list[Committed]] = {}
        for folder in sorted(found, key=_parse_run_id):
            manifests = [at for at in found[folder] if at.name == MANIFEST]
            amendments = tuple(at for at in found[folder] if at.name.startswith("_amendment-"))
            if manifests:
                of_day = landings.setdefault(_parse_day(folder), [])
                of_day.append(Committed(_parse_run_id(folder), manifests[0], amendments))
        return landings

    def put_manifest(self, manifest: Manifest) -> bool:
        """Make a landing visible; False where that landing was committed before."""
        folder = locate_landing(self.lake, manifest.source, manifest.ingest_date, manifest.run_id)
        return store.put_if_absent(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())

    def amend(self, landing: Manifest, why: str, what: Change | Decision) -> Manifest:
        """Put the next amendment of a landing, whose new files are there; returns what it is then.

        Raises SupersededError where another writer amended it since it was read, BalanceError where it would not add
        up; then nothing was put.
        """
        folder = locate_landing(self.lake, landing.source, landing.ingest_date, landing.run_id)
        manifest, earlier = _read_file(folder / MANIFEST, Manifest), self._read_amendments(landing)
        known = add_up(manifest, earlier)
        if known.version != landing.version:
            raise SupersededError(f"{landing.version} was amended meanwhile: {known.version}; look at it again")
        if isinstance(what, Change):
            check_change(add_up(manifest, [one for one in earlier if one.change]), what)
        amendment = Amendment(
            source=landing.source,
            ingest_date=landing.ingest_date,
            run_id=landing.run_id,
            id=make_id(len(earlier) + 1),
            made_at=datetime.now(UTC),
            code_version=CODE_VERSION,
            why=why,
            change=what if isinstance(what, Change) else None,
            decision=what if isinstance(what, Decision) else None,
        )
        content = amendment.model_dump_json(indent=1, exclude_none=True).encode()
        if not store.put_if_absent(folder / f"_{amendment.id}.json", content):
            raise SupersededError(f"{landing.version} was amended meanwhile; look at it again")
        return add_up(manifest, [*earlier, amendment])

    def _read_amendments(self, landing: Manifest) -> list[Amendment]:
        folder = locate_landing(self.lake, landing.source, landing.ingest_date, landing.run_id)
        return [_read_file(at, Amendment) for at in store.list_objects(folder, "_amendment-*.json")]

    def refuse(self, refusal: Refusal) -> None:
        """Tell why a landing has no manifest; readers of landings do not see it."""
        folder = locate_landing(self.lake, refusal.source, refusal.ingest_date, refusal.run_id)
        store.put_if_absent(folder / REFUSED, refusal.model_dump_json(indent=1).encode())

    def refusal(self, source: str, day: date, run_id: str) -> Refusal | None:
        """Of one run; None: it did not refuse that day, or by a version that put none."""
        folder = locate_landing(self.lake, source, day, run_id)
        found = [*store.list_objects(folder, REFUSED)]
        return Refusal.model_validate_json(store.read(found[0])) if found else None

    def put_attempt(self, outcome: Outcome) -> None:
        """What a run did for a source's day: `attempts/<source>/ingest_date=D/<run_id>.json`."""
        folder = self.lake / "attempts" / outcome.source / f"ingest_date={outcome.ingest_date}"
        at = folder / f"{outcome.attempt_run_id}.json"
        store.put_if_absent(at, outcome.model_dump_json(indent=1, exclude_defaults=True).encode())

    def read_attempts(self, source: str, days: Sequence[date] = ()) -> dict[date, Outcome]:
        """The last attempt of each day from the first to the last of `days`, or of all; older versions put none."""
        newest = {_parse_day(at): at for at in self._list("attempts", source, days)}
        return {day: Outcome.model_validate_json(store.read(at)) for day, at in newest.items()}

    def read_attempt(self, source: str, day: date, run_id: str) -> Outcome:
        """What that run did for the day, which put it."""
        return _read_file(self.lake / "attempts" / source / f"ingest_date={day}" / f"{run_id}.json", Outcome)

    def newest_attempts(self, source: str, days: Sequence[date]) -> dict[date, str]:
        """The id of the latest run that attempted each day, from the first to the last of `days`. Reads none."""
        return {_parse_day(at): at.name.removesuffix(".json") for at in self._list("attempts", source, days)}

    def _list(self, zone: str, source: str, days: Sequence[date]) -> Iterator[Location]:
        """What is in `<zone>/<source>/ingest_date=D/`, of each day from the first to the last of `days`, or of all."""
        return store.list_objects(self.lake / zone / source, f"{_make_pattern(days)}/*.json", *_name_span(days))

    def put_notice(self, outcome: Outcome, notice: Notice) -> bool:
        """`notices/<source>/ingest_date=D/<notice>.json`; False where somebody put it before, and tells of it."""
        folder = self.lake / "notices" / outcome.source / f"ingest_date={outcome.ingest_date}"
        told = {"id": uuid4().hex, "at": str(datetime.now(UTC)), "due": str(outcome.due), "state": outcome.state}
        return store.put_if_absent(folder / f"{notice}.json", json.dumps(told, indent=1).encode())

    def read_notices(self, source: str, days: Sequence[date]) -> dict[date, set[str]]:
        """What was told of each day from the first to the last of `days`."""
        found: dict[date, set[str]] = {}
        for at in self._list("notices", source, days):
            found.setdefault(_parse_day(at), set()).add(at.name.removesuffix(".json"))
        return found

    def put_report(self, report: RunReport) -> None:
        store.put_if_absent(self.lake / "runs" / f"{report.run_id}.json", report.model_dump_json(indent=1).encode())

    def read_reports(self, key: str = "", first: date | None = None) -> Iterator[RunReport]:
        """All run reports, oldest first; only of runs that were given `key`, or made since the day `first`."""
        for at in store.list_objects(self.lake / "runs", f"*-{key}.json" if key else "*.json", _make_prefix(first)):
            yield RunReport.model_validate_json(store.read(at))

    def read_older_attempts(self, first: date | None) -> Iterator[Outcome]:
        """What runs reported since the day `first`, until those that also put their attempts; oldest first."""
        for report in self.read_reports(first=first):
            if report.puts_attempts:
                return
            yield from report.attempts()

    def describe_odd_volume(self, source: str, day: date, rows: int) -> str | None:
        """Says so where `rows` is outside 50-200 % of the median of the seven days landed before; else None."""
        recent = self._read_volumes(source, (day - VOLUME_SPAN, day - timedelta(days=1)))
        if not recent or (usual := median(recent)) * 0.5 <= rows <= usual * 2:
            return None
        return f"{rows} rows; the median of the last {len(recent)} landings is {usual:g}"

    def _read_volumes(self, source: str, days: Sequence[date]) -> list[int]:
        """Rows delivered on the last seven of `days` of which a landing counts, the newest first."""
        volumes: list[int] = []
        for _, of_day in sorted(self.list_landings(source, days).items(), reverse=True):
            manifest = self.read_newest(of_day)
            if manifest and manifest.decided != "withdrawn":
                volumes.append(manifest.rows_delivered)
            if len(volumes) == 7:
                break
        return volumes


def _read(one: Committed) -> Manifest:
    manifest = _read_file(one.manifest, Manifest)
    return add_up(manifest, [_read_file(at, Amendment) for at in one.amendments])


def _read_file(at: Location, kind: type[_Kept]) -> _Kept:
    """Raises PlatformError where it is none: it was put whole, so somebody else wrote there."""
    try:
        return kind.model_validate_json(store.read(at))
    except ValidationError as error:
        what = f"no {kind.__name__.lower()} of this platform ({error.error_count()} mistakes)"
        raise PlatformError(f"{at}: {what}") from None


def _make_pattern(days: Sequence[date]) -> str:
    """The pattern of a day's folder, exact where there is one day."""
    return f"ingest_date={days[0] if len({*days}) == 1 else '*'}"


def _name_span(days: Sequence[date]) -> tuple[str, str]:
    """The names of the first and the last day's folder."""
    return (f"ingest_date={min(days)}", f"ingest_date={max(days)}") if days else ("", "")


def _make_prefix(first: date | None) -> str:
    """What comes before the id of any run of that day."""
    return f"{first:%Y%m%d}" if first else ""


def _parse_run_id(folder: str) -> str:
    return folder.rpartition("/run_id=")[2]


def _parse_day(at: Location | str) -> date:
    """Of a day's folder, or of what is in it."""
    return date.fromisoformat(str(at).rpartition("ingest_date=")[2][:10])
