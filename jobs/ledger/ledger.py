"""Manifests and run reports: all the state there is besides the warehouse. No Spark here."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from statistics import median

from pydantic import ValidationError

from jobs.clients import store
from jobs.clients.location import Location
from jobs.errors import PlatformError
from jobs.ledger.manifest import MANIFEST, REFUSED, Manifest, Refusal, locate_landing
from jobs.ledger.outcome import Outcome, RunReport

VOLUME_SPAN = timedelta(days=92)  # before a day, that its volume is held against


class Ledger:
    """Reads and adds to what a lake remembers; what is asked of a day costs the same however many there are."""

    def __init__(self, lake: Location) -> None:
        self.lake = lake

    def read_manifests(self, source: str, day: date | None = None) -> list[Manifest]:
        """Of all landings of a source, or of one day of it, oldest run first."""
        return [_read(at) for at in self._list_committed(source, (day,) if day else ())]

    def find_newest(self, source: str, day: date) -> Manifest | None:
        """The landing of a day that counts: the latest run's."""
        committed = self._list_committed(source, (day,))
        return _read(committed[-1]) if committed else None

    def find_newest_of_all(self, source: str) -> Manifest | None:
        """The landing of a static source that counts; none of it lands before its newest one."""
        for name in reversed(store.list_folders(self.lake / "raw" / source)):
            if found := self.find_newest(source, _parse_day(name)):
                return found
        return None

    def read_landings(self, source: str, days: Sequence[date] = ()) -> dict[date, Manifest]:
        """The landing that counts of each day from the first to the last of `days`, or of all."""
        newest = {_parse_day(at): at for at in self._list_committed(source, days)}
        return {day: _read(at) for day, at in newest.items()}

    def newest_runs(self, source: str, days: Sequence[date]) -> dict[date, str]:
        """The id of the latest run that landed each day, from the first to the last of `days`. Reads no manifest."""
        return {_parse_day(at): _parse_run_id(at) for at in self._list_committed(source, days)}

    def manifest(self, source: str, day: date, run_id: str) -> Manifest:
        """Of a landing that there is."""
        return _read(locate_landing(self.lake, source, day, run_id) / MANIFEST)

    def _list_committed(self, source: str, days: Sequence[date] = ()) -> list[Location]:
        """Where manifests are, of the days from the first to the last of `days`, or of all; oldest run first."""
        found = store.list_objects(
            self.lake / "raw" / source, f"{_make_pattern(days)}/run_id=*/{MANIFEST}", *_name_span(days)
        )
        return sorted(found, key=_parse_run_id)

    def put_manifest(self, manifest: Manifest) -> bool:
        """Make a landing visible; False where that landing was committed before."""
        folder = locate_landing(self.lake, manifest.source, manifest.ingest_date, manifest.run_id)
        return store.put_if_absent(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())

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
        newest = {_parse_day(at): at for at in self._attempts(source, days)}
        return {day: Outcome.model_validate_json(store.read(at)) for day, at in newest.items()}

    def newest_attempts(self, source: str, days: Sequence[date]) -> dict[date, str]:
        """The id of the latest run that attempted each day, from the first to the last of `days`. Reads none."""
        return {_parse_day(at): at.name.removesuffix(".json") for at in self._attempts(source, days)}

    def _attempts(self, source: str, days: Sequence[date]) -> Iterator[Location]:
        return store.list_objects(self.lake / "attempts" / source, f"{_make_pattern(days)}/*.json", *_name_span(days))

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
        newest = {
            _parse_day(at): at for at in self._list_committed(source, (day - VOLUME_SPAN, day - timedelta(days=1)))
        }
        recent = [_read(newest[known]).rows_delivered for known in sorted(newest)[-7:]]
        if not recent or (usual := median(recent)) * 0.5 <= rows <= usual * 2:
            return None
        return f"{rows} rows; the median of the last {len(recent)} landings is {usual:g}"


def _read(manifest: Location) -> Manifest:
    """Raises PlatformError where it is none: it was put whole, so somebody else wrote there."""
    try:
        return Manifest.model_validate_json(store.read(manifest))
    except ValidationError as error:
        raise PlatformError(f"{manifest}: no manifest of this platform ({error.error_count()} mistakes)") from None


def _make_pattern(days: Sequence[date]) -> str:
    """The pattern of a day's folder, exact where there is one day."""
    return f"ingest_date={days[0] if len({*days}) == 1 else '*'}"


def _name_span(days: Sequence[date]) -> tuple[str, str]:
    """The names of the first and the last day's folder."""
    return (f"ingest_date={min(days)}", f"ingest_date={max(days)}") if days else ("", "")


def _make_prefix(first: date | None) -> str:
    """What comes before the id of any run of that day."""
    return f"{first:%Y%m%d}" if first else ""


def _parse_run_id(manifest: Location) -> str:
    """Of its folder's name."""
    return str(manifest).rpartition("/run_id=")[2].removesuffix(f"/{MANIFEST}")


def _parse_day(at: Location | str) -> date:
    """Of a day's folder, or of what is in it."""
    return date.fromisoformat(str(at).rpartition("ingest_date=")[2][:10])
