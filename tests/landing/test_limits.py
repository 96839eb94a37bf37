"""A machine that has too little of something: one sentence says of what (X17 of the security review)."""

import subprocess

import pytest

from demo.complaints import HEADERS
from jobs.config.environment import ROOT
from tests.conftest import DAY, World

HEADER = ",".join(HEADERS["call_logs"])


@pytest.mark.parametrize(
    ("limit", "code", "said"),
    [
        ("-n 64", 0, ""),  # files that are open at once
        ("-f 40", 70, "File too large"),  # as a disk that is full
    ],
)
def test_x17_what_a_machine_lacks_is_said_in_a_line(world: World, limit: str, code: int, said: str) -> None:
    rows = [",".join(f"{row * column}-{row}" for column in range(9)) for row in range(20_000)]
    world.deliver("call_logs", "\n".join([HEADER, *rows]).encode())
    command = f"ulimit {limit}; exec ./spark-submit.sh run --date {DAY} --source call_logs --env {world.file}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 6
