"""Puts the demo's deliveries into an S3 server and a Postgres that are there already: those of docker-compose.yml.

What is there stays, so that a second `up` is no new delivery.

    python -m demo.elsewhere [--calls N] [--customers N]

The S3 server by AWS_ENDPOINT_URL_S3, the Postgres by PGHOST and PGPASSWORD; READER_PASSWORD is given to the reader.
"""

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3

from demo.__main__ import FIRST, LAST
from demo.faithful import days_between, generate
from demo.outages import outages
from demo.postgres import Server
from demo.server import Address

BUCKET = "core-telecoms-data-lake"
DAYS = days_between(FIRST, LAST)


def objects(sources: Path) -> Iterator[tuple[str, bytes]]:
    """Key -> content: the files as delivered, and the API's outages as a file a day."""
    for path in sorted(sources.rglob("*.*")):
        if path.parent.name != "web_forms" and path.is_file():
            yield str(path.relative_to(sources)), path.read_bytes()
    for day in DAYS:
        yield f"outages/outages_{day}.json", json.dumps(outages(day)).encode()


def put_what_is_missing(client: Any, sources: Path) -> None:
    """Make the bucket, and put each object that is not there, or is there with another content."""
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": client.meta.region_name})
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    etags = {entry["Key"]: entry["ETag"].strip('"') for page in pages for entry in page.get("Contents", ())}
    for key, content in objects(sources):
        if etags.get(key) != hashlib.md5(content, usedforsecurity=False).hexdigest():
            client.put_object(Bucket=BUCKET, Key=key, Body=content)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.elsewhere")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--customers", type=int, default=50_000)
    options = parser.parse_args()
    port = int(os.environ.get("PGPORT", "5432"))
    address = Address(port, os.environ["PGPASSWORD"], os.environ["PGHOST"])
    server = Server(address, os.environ["READER_PASSWORD"])
    client = boto3.client("s3", region_name="eu-north-1")
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        generate(sources, DAYS, options.calls, options.customers)
        put_what_is_missing(client, sources)
        server.prepare()
        server.load_web_forms(sources / "web_forms")
    print(f"demo: {FIRST} to {LAST} in s3://{BUCKET} and {address.host}")


if __name__ == "__main__":
    main()
