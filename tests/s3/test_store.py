"""The store's words on S3, without Spark."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.adopt.files import find_files
from jobs.adopt.questions import Answers
from jobs.bronze.choice import make_bronze
from jobs.clients import s3, ssm, store
from jobs.clients.location import S3Location, Service
from jobs.config.environment import Environment
from jobs.engines.session import Session, make_configuration
from jobs.errors import ConfigurationError, DeliveryChangedError, ServiceError
from jobs.ledger.ledger import Ledger
from jobs.ledger.manifest import Manifest, locate_landing
from jobs.pipeline.load import load as load_into
from tests.conftest import DAY
from tests.manifests import SCHEMA, contract_of, manifest_of, table_of
from tests.s3.conftest import LAKE_BUCKET, SOURCES_BUCKET, Cloud
from tests.s3.server import ACCOUNT, Request, Server


def service_of(cloud: Cloud, **more: object) -> Service:
    return Service.model_validate({"endpoint": cloud.server.url, **more})


def at(cloud: Cloud, key: str, **more: object) -> S3Location:
    return S3Location(LAKE_BUCKET, f"{cloud.prefix}/{key}", service_of(cloud, **more))


def test_of_many_writers_of_one_object_exactly_one_wins_and_its_bytes_stay(cloud: Cloud) -> None:
    place = at(cloud, "x")
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: store.put_if_absent(place, b"%d" % number * 1000), range(8)))
    assert sum(won) == 1
    assert store.read(place) == b"%d" % won.index(True) * 1000


def test_a_put_whose_answer_was_lost_still_counts_as_ours(cloud: Cloud) -> None:
    place, lost = at(cloud, "x"), []

    def lose_the_answer(request: Request) -> int | None:
        if request.method != "PUT" or lost:
            return None
        lost.append(request)
        cloud.server.client.put_object(Bucket=LAKE_BUCKET, Key=place.key, Body=b"mine")
        return 503

    with cloud.server.broken(lose_the_answer):
        assert store.put_if_absent(place, b"mine")
    assert not store.put_if_absent(place, b"theirs")


def test_a_star_stops_at_a_slash_and_blanks_are_part_of_a_key(cloud: Cloud) -> None:
    for key in ("a b/2025 [x] %20.csv", "a b/2025/deep.csv", "a b/2024.csv"):
        cloud.deliver(key, b"x")
    found = store.look(cloud.environment.sources, "a b/2025*.csv")
    assert [i.uri for i in found] == [f"s3://{SOURCES_BUCKET}/{cloud.prefix}/a b/2025 [x] %20.csv"]
    assert b"".join(store.stream(cloud.environment.sources, found[0])) == b"x"


def test_what_marks_a_folder_or_a_jobs_end_is_no_delivery(cloud: Cloud, tmp_path: Path) -> None:
    markers = ("day/", "day/_SUCCESS", "day/_committed_12", "day/_started_12", "day/.part-1.csv.crc", "day/x_$folder$")
    for key in markers:
        cloud.deliver(key, b"" if key.endswith(("/", "$")) else b"{}")
    (tmp_path / "day").mkdir()
    for key in markers[1:]:
        (tmp_path / key).write_bytes(b"" if key.endswith("$") else b"{}")
    for root in (cloud.environment.sources, tmp_path):
        assert store.look(root, "day/*") == ()
    cloud.deliver("day/_part-1.csv", b"")
    (tmp_path / "day/_part-1.csv").touch()
    for root in (cloud.environment.sources, tmp_path):  # empty, but its supplier's
        assert [found.uri.rpartition("/")[2] for found in store.look(root, "day/*")] == ["_part-1.csv"]


@pytest.mark.parametrize("path", ["x.csv", "x*.csv"])
@pytest.mark.parametrize("bucket", ["core-telecoms-data-lakes", "Core Telecoms"])
def test_a_bucket_that_is_misspelt_is_not_waited_for(cloud: Cloud, bucket: str, path: str) -> None:
    assert store.look(cloud.environment.sources, path) == ()
    with pytest.raises(ConfigurationError, match=bucket):
        store.look(S3Location(bucket, "calls", service_of(cloud)), path)


def test_a_profile_that_is_not_there_is_named(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "heron")
    with pytest.raises(ConfigurationError, match="heron"):
        store.look(S3Location(SOURCES_BUCKET, "calls", service_of(cloud, region="eu-west-3")), "x.csv")
    with pytest.raises(ConfigurationError, match="heron"):
        ssm.parameter("/x")


def test_an_object_that_is_archived_says_so(cloud: Cloud) -> None:
    cloud.server.client.put_object(
        Bucket=SOURCES_BUCKET, Key=f"{cloud.prefix}/x.csv", Body=b"x", StorageClass="GLACIER"
    )
    (found,) = store.look(cloud.environment.sources, "x.csv")
    with pytest.raises(ConfigurationError, match=r"x\.csv: it is archived; restore it"):
        list(store.stream(cloud.environment.sources, found))


def test_what_is_streamed_is_one_version_of_the_object(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHUNK", 4)
    cloud.deliver("x.csv", b"old bytes")
    root = cloud.environment.sources
    (found,) = store.look(root, "x.csv")
    stream = store.stream(root, found)
    assert next(stream) == b"old "
    cloud.deliver("x.csv", b"new bytes")
    with pytest.raises(DeliveryChangedError, match="changed while it was read"):
        list(stream)


def test_in_a_versioned_bucket_the_version_tells_the_same_bytes_apart(cloud: Cloud) -> None:
    enable = {"Bucket": SOURCES_BUCKET, "VersioningConfiguration": {"Status": "Enabled"}}
    cloud.server.client.put_bucket_versioning(**enable)
    looks = []
    for _ in range(2):
        cloud.deliver("x.csv", b"the same")
        looks += store.look(cloud.environment.sources, "x.csv")
    cloud.server.client.put_bucket_versioning(**enable | {"VersioningConfiguration": {"Status": "Suspended"}})
    first, second = looks
    assert first == second  # no new delivery
    assert first.version
    assert second.version
    assert first.version != second.version  # but seen, where it happens during the read


def test_bytes_that_break_off_are_asked_for_again(cloud: Cloud) -> None:
    cloud.deliver("x.csv", b"bytes")
    (found,) = store.look(cloud.environment.sources, "x.csv")
    cuts = [0, 0]
    with cloud.server.broken(lambda request: cuts.pop() if cuts and request.method == "GET" else None):
        assert b"".join(store.stream(cloud.environment.sources, found)) == b"bytes"
    assert cuts == []


def test_a_footer_longer_than_the_first_guess_is_read_whole(cloud: Cloud) -> None:
    wide = pa.table({f"a_column_with_a_long_name_{number}": [1, 2, 3] for number in range(2000)})
    file = BytesIO()
    pq.write_table(wide, file)
    cloud.server.client.put_object(Bucket=LAKE_BUCKET, Key=at(cloud, "wide").key, Body=file.getvalue())
    assert store.read_footer(at(cloud, "wide"))[:2] == (3, len(file.getvalue()))


@pytest.mark.parametrize("size", [1, 11 * 2**20], ids=["in one request", "in pieces"])
def test_a_file_is_put_whole_once_and_never_over_another(
    size: int, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PIECE", 5 * 2**20)  # the least that a piece may have
    place, content = at(cloud, "once"), os.urandom(size)
    with store.create_file(place) as file:
        file.write(content)
        assert s3.head(place) is None
    assert store.read(place) == content
    with store.create_file(place) as file:
        file.write(os.urandom(size))
    assert store.read(place) == content
    left = cloud.server.client.list_multipart_uploads(Bucket=LAKE_BUCKET).get("Uploads", ())
    assert not [one["Key"] for one in left if one["Key"].startswith(f"{cloud.prefix}/")]


def test_what_fails_while_a_file_is_written_leaves_nothing(cloud: Cloud) -> None:
    place = at(cloud, "never")
    with pytest.raises(ValueError, match="in between"), store.create_file(place):
        raise ValueError("in between")
    assert s3.head(place) is None


def test_an_encryption_key_and_a_buckets_owner_go_with_every_request(cloud: Cloud) -> None:
    key = f"arn:aws:kms:eu-north-1:{ACCOUNT}:key/1"
    place, first = at(cloud, "x", kms_key=key, owners={LAKE_BUCKET: ACCOUNT}), len(cloud.server.requests)
    assert store.put_if_absent(place, b"x")
    assert store.read(place) == b"x"
    seen = cloud.server.requests[first:]
    assert {request.headers["x-amz-expected-bucket-owner"] for request in seen} == {ACCOUNT}
    assert seen[0].headers["x-amz-server-side-encryption-aws-kms-key-id"] == key
    assert store.make_delta_options(place)["aws_sse_kms_key_id"] == key


def test_spark_gets_endpoint_and_key_only_where_something_is_on_s3(cloud: Cloud) -> None:
    cloud.write(service='kms_key = "arn:x"')
    found = make_configuration(cloud.environment)
    assert found["spark.hadoop.fs.s3a.endpoint"] == cloud.server.url
    assert found["spark.hadoop.fs.s3a.path.style.access"] == "true"
    assert found["spark.hadoop.fs.s3a.server-side-encryption.key"] == "arn:x"
    local = {"name": "x", "sources": "a", "lake": "b", "warehouse": {"kind": "delta", "path": "c"}}
    assert make_configuration(Environment.model_validate(local)) == {}


def test_x15_spark_reads_a_landed_file_from_s3_by_the_pinned_jars_alone(cloud: Cloud) -> None:
    """As the BigQuery connector's load does where Spark is not EMR's: without ion-java, which AWS's SDK asked for."""
    file, place = BytesIO(), at(cloud, "part [1] {x}.parquet")
    pq.write_table(pa.table({"a": ["1", "2", "3"]}), file)
    assert store.put_if_absent(place, file.getvalue())
    session = Session("x15", make_configuration(cloud.environment))
    try:
        assert session().read.schema("a string").parquet(store.escape_glob(str(place))).count() == 3
    finally:
        session.stop()


def test_a_bucket_that_is_not_there_is_a_configuration_error(cloud: Cloud) -> None:
    with pytest.raises(ConfigurationError, match="s3://nobodys-bucket/x"):
        list(store.list_objects(S3Location("nobodys-bucket", "x", service_of(cloud)), "*"))


def test_a_server_that_cannot_be_reached_is_a_service_error(monkeypatch: pytest.MonkeyPatch) -> None:
    place = S3Location("nowhere", "x", Service(endpoint="http://127.0.0.1:9"))
    with pytest.raises(ServiceError, match="s3://nowhere/x"):
        store.read(place)


def landing(cloud: Cloud, run_id: str, rows: int, day: date = DAY, source: str = "agents") -> Manifest:
    place = locate_landing(cloud.environment.lake, source, day, run_id) / "landed" / "part-0.parquet"
    file = BytesIO()
    pq.write_table(table_of(run_id, rows, day), file)
    assert store.put_if_absent(place, file.getvalue())
    manifest = manifest_of(run_id, rows, day, SCHEMA.names, source)
    assert Ledger(cloud.environment.lake).put_manifest(manifest)
    return manifest


def load(cloud: Cloud, manifest: Manifest) -> tuple[str, int]:
    return load_into(make_bronze(cloud.environment), contract_of("agent_id"), manifest)


def held(cloud: Cloud, source: str = "agents") -> dict[date, tuple[str, int]]:
    return make_bronze(cloud.environment).published(source)


def test_of_twelve_writers_of_one_delta_table_no_commit_is_lost(cloud: Cloud, server: Server) -> None:
    """Each day by a writer of its own, all at once: what Delta's own log store for Spark loses on S3."""
    manifests = [landing(cloud, "R1", 10 + number, date(2025, 1, 1 + number)) for number in range(12)]
    first = len(server.requests)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda manifest: load(cloud, manifest), manifests))
    assert held(cloud) == {m.ingest_date: ("R1", m.rows_landed) for m in manifests}
    commits = [
        r for r in server.requests[first:] if r.method == "PUT" and "_delta_log/" in r.key and r.key.endswith(".json")
    ]
    won = [request.key for request in commits if request.status == 200]
    assert {request.headers.get("if-none-match") for request in commits} == {"*"}
    assert len(won) == len(set(won)) == 13  # the table, and a commit a writer
    assert [request for request in commits if request.status == 412]  # they did meet


def test_ten_runs_of_one_day_at_once_end_with_the_newest_whole(cloud: Cloud) -> None:
    manifests = [landing(cloud, f"R{number}", 10 + number) for number in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda manifest: load(cloud, manifest), manifests))
    assert held(cloud) == {DAY: ("R9", 19)}


def test_a_feed_on_s3_is_adopted_by_a_file_or_a_folder_of_it(cloud: Cloud) -> None:
    for day in (20, 21):
        cloud.deliver(f"tickets/2025/11/{day}/part-1.csv", f"id;opened\n1x;2025-11-{day}\n2y;2025-11-{day}\n".encode())
    places = f"s3://{SOURCES_BUCKET}/{cloud.prefix}/tickets"
    for place, days in ((f"{places}/2025/11/21/part-1.csv", 1), (places, 2), (f"{places}/", 2)):
        found = find_files([place], cloud.environment, Answers())
        assert found.delivery["paths"] == ["tickets/{date:%Y/%m/%d}/part-1.csv"]
        assert (found.delivery["delimiter"], len(found.days)) == (";", days)
    with pytest.raises(ConfigurationError, match="where a run looks for deliveries"):
        find_files([f"s3://{SOURCES_BUCKET}/elsewhere/x.csv"], cloud.environment, Answers())
