"""Manifests and run reports: all the state there is besides the warehouse. No Spark here."""

from collections.abc import Iterator
from datetime import date
from statistics import median

from jobs.clients import store
from jobs.clients.location import Location
from jobs.ledger.manifest import MANIFEST, Manifest, landing_folder
from jobs.ledger.outcome import RunReport


class Ledger:
    """Reads and adds to what a lake remembers."""

    def __init__(self, lake: Location) -> None:
        self.lake = lake

    def manifests(self, source: str, day: date | None = None) -> list[Manifest]:
        """Of all landings of a source, or of one day of it, oldest run first."""
        return [_read(at) for at in self._committed(source, day)]

    def _committed(self, source: str, day: date | None = None) -> list[Location]:
        """Where the manifests of a source are, or of one day of it, oldest run first."""
        found = store.listed(self.lake / "raw" / source, f"ingest_date={day or '*'}/run_id=*/{MANIFEST}")
        return sorted(found, key=_run_id)

    def newest(self, source: str, day: date | None = None) -> Manifest | None:
        """The landing that counts: the latest run's."""
        committed = self._committed(source, day)
        return _read(committed[-1]) if committed else None

    def newest_run(self, source: str, day: date) -> str:
        """The id of the latest run that landed a day; "": none did. Reads no manifest."""
        committed = self._committed(source, day)
        return _run_id(committed[-1]) if committed else ""

    def commit(self, manifest: Manifest) -> bool:
        """Make a landing visible; False where that landing was committed before."""
        folder = landing_folder(self.lake, manifest.source, manifest.ingest_date, manifest.run_id)
        return store.put_if_absent(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())

    def report(self, report: RunReport) -> None:
        store.put_if_absent(self.lake / "runs" / f"{report.run_id}.json", report.model_dump_json(indent=1).encode())

    def reports(self, key: str = "") -> Iterator[RunReport]:
        """All run reports, oldest first; or only those of the runs that were given `key`."""
        for at in store.listed(self.lake / "runs", f"*-{key}.json" if key else "*.json"):
            yield RunReport.model_validate_json(store.read(at))

    def odd_volume(self, source: str, day: date, rows: int) -> str | None:
        """Says so where `rows` is outside 50-200 % of the median of the seven days landed before; else None."""
        newest = {known: at for at in self._committed(source) if (known := _day(at)) < day}
        recent = [_read(newest[known]).rows_delivered for known in sorted(newest)[-7:]]
        if not recent or (usual := median(recent)) * 0.5 <= rows <= usual * 2:
            return None
        return f"{rows} rows; the median of the last {len(recent)} landings is {usual:g}"


def _read(manifest: Location) -> Manifest:
    return Manifest.model_validate_json(store.read(manifest))


def _run_id(manifest: Location) -> str:
    """Of its folder's name."""
    return str(manifest).rpartition("/run_id=")[2].removesuffix(f"/{MANIFEST}")


def _day(manifest: Location) -> date:
    return date.fromisoformat(str(manifest).rpartition("/ingest_date=")[2][:10])
