import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.dbt.world import COMPLAINTS, DAYS, LAYERS, ROOT, SOURCES, World, product

KEYS = {"call_logs": "call_id", "social_media": "complaint_id", "web_forms": "request_id"}
CHANNELS = {"call_logs": "Call", "social_media": "Social media", "web_forms": "Web form"}


def test_gold_holds_each_id_of_the_delivered_files_once(world: World) -> None:
    ids = {source: {row[KEYS[source]] for day in DAYS for row in world.delivered(source, day)} for source in COMPLAINTS}

    found = world.ask("SELECT channel, count(*) FROM coretelecoms_gold.fact_complaints GROUP BY channel")

    assert dict(found) == {CHANNELS[source]: len(of_source) for source, of_source in ids.items()}
    rows = Counter(CHANNELS[source] for source in COMPLAINTS for day in DAYS for _ in world.delivered(source, day))
    counted = world.ask("SELECT channel, sum(delivered_rows) FROM coretelecoms_gold.fact_complaints GROUP BY channel")
    assert dict(counted) == dict(rows)
    assert sum(rows.values()) > sum(map(len, ids.values())), "the files should deliver some ids twice"


def test_orphans_stay_and_point_at_the_unknown_member(world: World) -> None:
    known = {row["customer_id"] for row in world.delivered("customers")}
    orphans = {
        row[KEYS[source]]
        for source in COMPLAINTS
        for day in DAYS
        for row in world.delivered(source, day)
        if row["customer_id"] not in known
    }

    found = world.ask("SELECT complaint_id FROM coretelecoms_gold.fact_complaints WHERE customer_key = 'unknown'")

    assert {complaint for (complaint,) in found} == orphans


def test_complaints_are_counted_for_the_outages_of_their_state_and_time(world: World) -> None:
    ohio = {"service": "Mobile", "region": "ohio", "cause": "Storm", "customers_affected": "10"}
    spring = {"started_at": "2025-03-01T00:00:00Z", "ended_at": "2025-06-01T00:00:00+00:00"}
    lasting = {"started_at": "2025-05-01T02:00:00+02:00", "ended_at": None}
    planted = [{"outage_id": "spring"} | ohio | spring, {"outage_id": "lasts"} | ohio | lasting | {"region": "OH"}]
    world.land("service_outages", DAYS[3], [*world.delivered("service_outages", DAYS[3]), *planted])

    world.build(DAYS[3])

    in_ohio = {
        row["customer_id"] for row in world.delivered("customers") if re.search(" OH [0-9]{5}$", row["address"] or "")
    }
    opened = [moment for customer, moment in _newest_openings(world).values() if customer in in_ohio]
    found = world.ask(
        """SELECT outage_id, complaints FROM coretelecoms_gold.agg_complaints_per_outage
        WHERE outage_id IN ('spring', 'lasts') ORDER BY 1 DESC"""
    )
    during_spring = sum("2025-03-01" <= moment < "2025-06-01" for moment in opened)
    assert found == [
        ("spring", during_spring),
        ("lasts", sum("2025-05-01" <= moment < "2025-11-24" for moment in opened)),
    ]
    assert during_spring > 5


def _newest_openings(world: World) -> dict[tuple[str, str | None], tuple[str | None, str]]:
    """Of each complaint: its customer and when it was opened, as it was delivered last."""
    return {
        (source, row[KEYS[source]]): (
            row["customer_id"],
            row["call_start_time"] or "" if source == "call_logs" else row["request_date"] or "",
        )
        for source in COMPLAINTS
        for day in DAYS
        for row in world.delivered(source, day)
    }


def test_a_fan_out_planted_in_a_model_is_caught(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    project = tmp_path / "planted"
    shutil.copytree(ROOT / "dbt", project, ignore=shutil.ignore_patterns("__pycache__"))
    model = project / "models/gold/fact_complaints.sql"
    dimension = "from {{ ref('dim_customer') }}\n"
    twice = f"{dimension}    union all\n    select customer_key, customer_id from {{{{ ref('dim_customer') }}}}\n"
    assert dimension in model.read_text()
    model.write_text(model.read_text().replace(dimension, twice))
    monkeypatch.setattr(product, "PROJECT", project)

    with pytest.raises(product.BuildError) as caught:
        product.build(dbt_arguments=["--select", "fact_complaints+"])

    assert caught.value.code == 65
    assert "grain_fact_complaints" in str(caught.value)


def test_rows_lost_on_the_way_to_gold_are_caught(world: World) -> None:
    with product.opened() as connection:
        connection.execute("DELETE FROM coretelecoms_silver.stg_call_logs WHERE ingest_date = '2025-11-21'")

    with pytest.raises(product.BuildError, match="bronze_and_silver_balance"):
        product.build(dbt_arguments=["--select", "bronze_and_silver_balance"])


def test_a_day_that_was_never_built_is_warned_of(world: World) -> None:
    with product.opened() as connection:
        connection.execute("DELETE FROM coretelecoms_silver.stg_call_logs WHERE ingest_date = '2025-11-21'")

    said = product.build(DAYS[3], DAYS[3], dbt_arguments=["--select", "bronze_days_are_in_silver"])

    assert re.search(r"1 warnings\nwarning: bronze_days_are_in_silver .* Got 1 result", said)


def test_nothing_landed_gives_empty_tables(world: World) -> None:
    shutil.rmtree(world.bronze)
    world.file.unlink()

    world.build()

    assert world.ask("SELECT count(*) FROM coretelecoms_gold.fact_complaints") == [(0,)]
    assert world.ask("SELECT agent_key FROM coretelecoms_gold.dim_agent") == [("unknown",)]


def test_every_rule_that_mends_data_holds(world: World) -> None:
    assert world.file.exists()
    results = product.invoke("test", "--select", "test_type:unit").results

    assert {one.node.name: one.message for one in results if one.status != "pass"} == {}
    assert len(results) >= 19


def is_of_gold(node: dict[str, Any]) -> bool:
    return bool(node.get("source_name") == "gold")


def test_each_model_and_column_is_described_and_each_description_has_its_column(base: World) -> None:
    manifest = json.loads((base.root / "target/manifest.json").read_text())
    nodes = {**manifest["nodes"], **manifest["sources"]}.values()
    tables = [node for node in nodes if node["resource_type"] in ("model", "seed", "snapshot") or is_of_gold(node)]
    names = [
        f"{node['name']}.{column}" for node in tables for column, it in node["columns"].items() if it["description"]
    ]
    names += [node["name"] for node in nodes if node["resource_type"] != "test" and node["description"]]
    found = base.ask(f"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema IN {LAYERS}")

    described = {f"{table}.{column}" for table, column in found} | {table for table, _ in found}

    assert described | set(SOURCES) == set(names)


def test_the_warehouse_says_what_tables_and_columns_of_gold_are(base: World) -> None:
    (unsaid,) = base.ask(
        """SELECT list(DISTINCT name ORDER BY name) FROM (
            SELECT table_name AS name FROM duckdb_columns() WHERE schema_name = 'coretelecoms_gold' AND comment IS NULL
            UNION ALL
            SELECT table_name FROM duckdb_tables() WHERE schema_name = 'coretelecoms_gold' AND comment IS NULL)"""
    )
    assert unsaid == (None,)


def test_dialects_stand_in_one_folder_only() -> None:
    dialect = re.compile(r"target\.(type|name)|adapter\.dispatch|::|(duckdb|bigquery|snowflake)__", re.IGNORECASE)
    files = [path for folder in ("models", "tests", "macros") for path in (ROOT / "dbt" / folder).rglob("*.sql")]

    named = [path for path in files if path.parent.name != "dialect" and dialect.search(path.read_text())]

    assert named == []


def test_a_file_held_by_another_process_is_named_with_the_holder(world: World) -> None:
    hold = f"import duckdb; held = duckdb.connect({str(world.file)!r}); print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()

    with pytest.raises(product.BuildError) as caught:
        world.build()
    holder.communicate(b"\n")

    assert caught.value.code == 75
    assert f"{world.file} is held by process {holder.pid}" in str(caught.value)
    assert "run this again" in str(caught.value)


def test_of_two_builds_at_once_one_ends_well_and_the_other_names_it(world: World) -> None:
    command = [sys.executable, str(ROOT / "dbt/build.py"), "build", "--from", str(DAYS[0]), "--to", str(DAYS[0])]
    building = world.file.with_name(f"{world.file.name}.building")
    building.unlink(missing_ok=True)
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while first.poll() is None and not (building.exists() and building.read_text()):
        time.sleep(0.01)

    second = subprocess.run(command, capture_output=True, text=True, check=False)
    said, _ = first.communicate()

    assert (first.returncode, second.returncode) == (0, 75), said + second.stderr
    assert re.search(rf"{world.file} is being built by process {first.pid} since \S+ UTC, {DAYS[0]}\.\.", second.stderr)
    assert "Traceback" not in second.stderr


def test_a_killed_build_holds_nobody_up(world: World) -> None:
    hold = "from warehouse import alone\nwith alone('all days'):\n    print('held', flush=True)\n    input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    killed = subprocess.Popen([sys.executable, "-c", hold], cwd=ROOT / "dbt", **pipes)
    assert killed.stdout is not None
    killed.stdout.readline()
    with pytest.raises(product.BuildError, match=f"by process {killed.pid} since"):
        world.build(DAYS[0])

    killed.kill()
    killed.communicate()

    with product.alone("all days"):
        pass


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Transaction is aborted due to concurrent update against table p:d.t. Transaction ID: 0", 75),
        ("Could not serialize access to table p:d.t due to concurrent update", 75),
        ("000625 (57014): Statement 'x' has locked table 'T' in transaction 1 and this lock has not yet been", 75),
        ("IO Error: Could not set lock on file: Conflicting lock is held in python (PID 1)", 75),
        ("HTTP 503", 69),
        ("Syntax error", 70),
    ],
)
def test_what_two_that_write_the_same_table_are_told_is_to_try_later(said: str, code: int) -> None:
    node = SimpleNamespace(name="stg_agents", original_file_path="x", compiled_path=None)

    caught = product._failure([SimpleNamespace(status="error", message=said, node=node)])

    assert caught.code == code


def test_headline_and_docs_come_from_the_file(world: World) -> None:
    said = "\n".join(product.headline())
    (total,) = world.ask(
        "SELECT count(*), round(100 * avg(is_resolved::INT), 1) FROM coretelecoms_gold.fact_complaints"
    )

    assert re.search(rf"all +{total[0]:,} +{total[1]}", said)
    assert "Network Failure" in said
    assert "Outages during which" in said
    assert str(world.file) in said
    product.docs()
    assert "fact_complaints" in (world.root / "docs.html").read_text(encoding="utf-8")


def test_a_build_needs_neither_network_nor_home(world: World, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    cut_off = ["unshare", "--net", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*cut_off, "true"], check=False, capture_output=True).returncode:
        cut_off = []  # where namespaces are not allowed, proxies that refuse must do
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    places = {
        name: str(path)
        for name, path in (
            ("CORETELECOMS_WAREHOUSE", world.file),
            ("CORETELECOMS_BRONZE", world.bronze),
            ("DBT_TARGET_PATH", world.root / "target"),
        )
    }

    done = subprocess.run(
        [*cut_off, sys.executable, str(ROOT / "dbt/build.py"), "build", "--from", "2025-11-23", "--to", "2025-11-23"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), **nowhere, **places},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"2025-11-23\.\.2025-11-23 built and tested in .* 0 warnings\); .* complaints in .*\n", done.stdout
    )
    assert done.stderr == ""
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(("status", "code"), [(None, 69), (503, 69), (403, 78)])
def test_s3_that_is_down_is_told_from_one_that_refuses(
    world: World, tmp_path: Path, status: int | None, code: int
) -> None:
    with always(status or 500) as address:
        variables = {
            "AWS_ENDPOINT_URL_S3": address if status else "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "dummy",
            "CORETELECOMS_BRONZE": "s3://lake/bronze",
            "CORETELECOMS_WAREHOUSE": str(tmp_path / "warehouse.duckdb"),
            "CORETELECOMS_DBT_PYTHON": sys.executable,
            "DBT_TARGET_PATH": str(world.root / "target-s3"),
        }
        command = [str(ROOT / "dbt.sh"), "build", "--from", "2025-11-23", "--to", "2025-11-23"]
        done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "/lake/" in done.stderr  # and not what it was asked for: an address's parameters may be secrets
    assert "?" not in done.stderr


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            "Generic S3 error: Error performing GET http://lake, after 10 retries - HTTP error: error sending request",
            69,
        ),
        ("Generic S3 error: Error performing GET http://lake in 3.1s - Server returned non-2xx status code: 503", 69),
        ("lacked the privileges: Error performing GET http://lake - Server returned non-2xx status code: 403", 70),
    ],
)
def test_so_it_is_where_s3_goes_down_during_a_build(message: str, code: int) -> None:
    """In the words of delta_scan, as dbt hands them on."""
    node = SimpleNamespace(name="stg_agents", original_file_path="models/silver/stg_agents.sql")
    failed = SimpleNamespace(
        status="error", node=node, message=f"IO Error: DeltaKernel ObjectStoreError (8): {message}"
    )
    assert product._failure([failed]).code == code


@contextmanager
def always(status: int) -> Iterator[str]:
    """The address of a server that answers everything with it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - as http.server names it

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_layer_at_a_time_builds_the_same_and_runs_every_test_once(world: World) -> None:
    before = world.tables()
    at_once = world.build(DAYS[0], DAYS[-1])
    silver, gold = (product.build(DAYS[0], DAYS[-1], layer=layer) for layer in ("silver", "gold"))
    assert "  silver complaints_clean: success" in silver
    assert "  gold fact_complaints: success" in gold
    assert "fact_complaints" not in silver
    tests = [int(found) for text in (at_once, silver, gold) for found in re.findall(r"(\d+) tests", text)]
    assert tests[0] == tests[1] + tests[2]
    assert world.tables() == before


@pytest.mark.parametrize(
    ("lost", "day"),
    [("stg_call_logs", 1), ("stg_service_outages", 1), ("stg_customers", 0), ("complaints_clean", 1)],
)
def test_a_day_that_silver_lost_stops_the_next_build_before_gold(world: World, lost: str, day: int) -> None:
    before = world.tables()
    with product.opened() as connection:
        connection.execute(f"DELETE FROM coretelecoms_silver.{lost} WHERE ingest_date = '{DAYS[day]}'")

    with pytest.raises(product.BuildError, match=r"silver_keeps_its_days|staged_and_clean_balance") as caught:
        world.build(DAYS[3])

    assert caught.value.code == 65
    assert "fact_" not in str(caught.value)
    facts = ("fact_complaints", "fact_service_outages", "agg_complaints_daily", "customer_360")
    assert {name: world.tables()[name] for name in facts} == {name: before[name] for name in facts}
    world.build(DAYS[day])
    assert world.tables() == before


def test_a_day_that_silver_never_held_stops_nothing(world: World) -> None:
    new = date(2025, 11, 24)
    world.land("service_outages", new, world.delivered("service_outages", DAYS[3]))

    assert "1 warnings\nwarning: bronze_days_are_in_silver" in world.build(DAYS[3])


def test_texts_are_trimmed_and_lowered_by_one_rule() -> None:
    """By themselves these mean something else in each warehouse (docs/hostile-deliveries.md)."""
    bare = re.compile(r"\b(l|r|b)?trim\(|\b(lower|upper|initcap)\(", re.IGNORECASE)
    files = [path for folder in ("models", "tests", "macros") for path in (ROOT / "dbt" / folder).rglob("*.sql")]
    assert {path.name for path in files if bare.search(path.read_text())} == {"lowered.sql", "mending.sql"}
