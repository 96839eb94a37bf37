"""S3 requests of a landing with Bronze, and how many more each file that it writes costs.

    python -m bench.requests

On an S3 server on loopback. Rows do not matter, files do: the same calls as one split and as nine.
"""

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from bench.setting import DAYS, clean_environment, run
from demo.faithful import generate
from tests.s3.conftest import LAKE_BUCKET, SOURCES_BUCKET, Cloud, cloud_of
from tests.s3.server import KEYS, Server, serving

READS = ("GET", "HEAD")


def requests(work: Path, server: Server, split: int, name: str) -> tuple[int, Counter[str]]:
    """Files landed, and requests by kind, of `run` for one source; `split`: bytes a task reads."""
    cloud = cloud_of(work, server, name)
    cloud.write()
    cloud.deliver_all(work / "sources")
    before = len(server.requests)
    undone = f"from jobs.sources import csv; csv.SPLIT = {split}"
    code = f"import sys; {undone}; from jobs.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "run", "--env", str(cloud.file), "--date", str(DAYS[0])]
    run([*command, "--source", "call_logs"], work, clean_environment() | KEYS)
    return _files(cloud), Counter(_kind(one.method, one.query) for one in server.requests[before:])


def _files(cloud: Cloud) -> int:
    (manifest,) = cloud.manifests("call_logs")
    return len(manifest.files)


def _kind(method: str, query: dict[str, str]) -> str:
    if method == "GET" and "list-type" in query:
        return "lists"
    return "reads" if method in READS else "writes"


def main() -> int:
    os.environ.update(KEYS)
    with tempfile.TemporaryDirectory(prefix="bench-requests-") as folder, serving() as server:
        work = Path(folder)
        for bucket in (SOURCES_BUCKET, LAKE_BUCKET):
            server.client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
        generate(work / "sources", DAYS[:1], 20_000, 1, sources=("call_logs",))
        size = next((work / "sources/call logs").iterdir()).stat().st_size
        few, one = requests(work, server, size, "one")
        many, nine = requests(work, server, size // 9 + 1, "nine")
    for kind in ("writes", "reads", "lists"):
        print(
            f"{kind}: {one[kind]} with {few} file, {(nine[kind] - one[kind]) / (many - few):.1f} for each further one"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
