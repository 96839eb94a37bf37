"""What runs leave and show, searched for the credentials that they were given, and for persons."""

import csv
import json
import os
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from demo import services
from demo.complaints import HEADERS
from demo.postgres import READER, serving
from demo.web import json_reply
from tests.conftest import DAYS, World, make_world
from tests.e2e.conftest import Platform

# Words that nothing takes for a secret by their looks, so that nothing hides them by their looks either.
PASSWORD, TOKEN, KEY_ID = "heron-77-quartz", "walnut-31-ferry", "a11ce0ddba11a11ce0ddba11a11ce0ddba11a11c"
CONTROL = "pelican-12-slate"
PERSON = "Xanthippe"


class Watch(threading.Thread):
    """Notes the arguments of every process of ours, as `ps` would show them, while it runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(0.1):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    self.seen.add(path.read_bytes())


def plain(path: Path) -> bytes:
    """A file's bytes, decompressed where it is an event log: a word is not to be found in zstd."""
    if path.suffix != ".zstd":
        return path.read_bytes()
    with pa.OSFile(str(path)) as file, pa.CompressedInputStream(file, "zstd") as stream:
        return bytes(stream.read())


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> tuple[World, dict[str, bytes]]:
    """What runs show and leave: one by each engine that lands all, one where services refuse, one of broken files.

    By place: output, processes' arguments, files.
    """
    world = make_world(tmp_path_factory.mktemp("canaries"), agents_from_a_file=False)
    events = world.root / "events"
    events.mkdir()
    world.file.write_text(
        f"{world.file.read_text()}[spark]\n"
        f'"spark.eventLog.enabled" = "true"\n"spark.eventLog.dir" = "file:{events}"\n"spark.app.note" = "{CONTROL}"\n'
        '"spark.eventLog.compress" = "true"\n"spark.eventLog.compression.codec" = "zstd"\n'
    )
    (world.root / "sources").rmdir()
    (world.root / "sources").symlink_to(platform.world.root / "sources")
    texts: dict[str, bytes] = {}
    watch = Watch()
    watch.start()
    sheet = partial(services.agents_of, world.root / "sources")
    folder = tmp_path_factory.mktemp("postgres")
    with serving(folder) as server, services.serving(sheet) as web:
        with server.transaction() as cursor:
            cursor.execute(f"alter role {READER} password '{PASSWORD}'")
        server.load_web_forms(world.root / "sources/web_forms")
        web.api_token, web.key_id = TOKEN, KEY_ID
        server.write_secrets(world.root / "secrets")
        (world.root / "secrets/db_password").write_text(PASSWORD)
        web.write_secrets(world.root / "services")
        canaries = Platform(world, platform.counts, server)
        texts["output"] = b""
        for engine in ("spark", "in-process"):
            done = canaries.submit("run", "--date", str(DAYS[0]), "--replay", "--engine", engine)
            assert done.returncode == 0, done.stderr
            texts["output"] += (done.stdout + done.stderr).encode()
        web.access_token = web.api_token = "changed"
        web.faults = {"/v4": deque([json_reply({}, 500)] * 99)}
        with server.transaction() as cursor:
            cursor.execute(f"alter role {READER} password 'changed'")
        refused = canaries.submit("run", "--date", str(DAYS[1]), "--replay")
        assert refused.returncode, refused.stdout
        texts["refused"] = (refused.stdout + refused.stderr).encode()
        break_deliveries(world)
        broken = canaries.submit("run", "--date", str(DAYS[2]), "--replay", "--engine", "spark")
        assert broken.returncode == 65, broken.stderr
        texts["broken"] = (broken.stdout + broken.stderr).encode()
    watch.stop.set()
    watch.join()
    texts["arguments"] = b"\n".join(watch.seen)
    kept = [path for name in ("lake", "bronze", "logs", "events") for path in (world.root / name).rglob("*")]
    texts |= {str(path.relative_to(world.root)): plain(path) for path in kept if path.is_file()}
    return world, texts


def break_deliveries(world: World) -> None:
    """A file without its header, one whose records a tenth are broken, one that is cut off: all of them persons."""
    (world.root / "sources").unlink()
    (world.root / "sources").mkdir()
    world.deliver("customers", f"1,{PERSON},F,{PERSON},{PERSON},{PERSON}@x.example,{PERSON}\n".encode(), DAYS[2])
    calls = [",".join(HEADERS["call_logs"]), *[",".join([PERSON] * 9)] * 90, *[f"{PERSON},1"] * 10]
    world.deliver("call_logs", "\n".join(calls).encode(), DAYS[2])
    world.deliver("social_media", f'[{{"{PERSON}": "{PERSON}'.encode(), DAYS[2])


def where(word: str, texts: dict[str, bytes]) -> list[str]:
    return [place for place, text in texts.items() if word.encode() in text]


def test_the_search_finds_what_was_planted(left_behind: tuple[World, dict[str, bytes]]) -> None:
    world, texts = left_behind
    event_logs = [place for place in texts if place.startswith("events/") and place.endswith(".zstd")]
    assert event_logs
    assert set(event_logs) <= set(where(CONTROL, texts))
    assert "arguments" in where(str(world.file), texts)
    assert {"output", "refused"} <= set(where("web_forms", texts))
    assert "broken" in where("did not land", texts)
    for kind in ("_manifest.json", "runs/", "logs/", ".parquet"):
        assert any(kind in place for place in texts), kind
    planted = {str(path): path.read_bytes() for path in world.root.rglob("*") if path.is_file()}
    assert all(where(word, planted) for word in (PASSWORD, TOKEN, KEY_ID))
    landing = f"web_forms {DAYS[0]}"
    assert any(landing in line for log in event_logs for line in map(str, map(json.loads, texts[log].splitlines())))


@pytest.mark.parametrize("word", [PASSWORD, TOKEN, KEY_ID, "PRIVATE KEY"])
def test_a_credential_is_nowhere(left_behind: tuple[World, dict[str, bytes]], word: str) -> None:
    assert where(word, left_behind[1]) == []
    assert word not in os.environ.values()


def test_no_person_is_anywhere_but_in_rows(left_behind: tuple[World, dict[str, bytes]], platform: Platform) -> None:
    """Neither those of the sound files nor those of the broken ones, which Spark's tasks read."""
    with (platform.world.root / "sources/customers/customers_dataset.csv").open(newline="") as file:
        emails = [row["email"] for row in csv.DictReader(file) if "@" in row["email"]]
    texts = {place: text for place, text in left_behind[1].items() if not place.endswith(".parquet")}
    assert len(emails) > 900
    assert any(place.startswith("events/") for place in texts)
    assert [(word, place) for word in (PERSON, *emails[:200]) for place in where(word, texts)] == []
