"""A command gets tokens as long as it runs: from a process beside it, that ends with it."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.clients import tokens
from jobs.config.environment import ROOT
from jobs.errors import ConfigurationError

# Becomes another program, as `python -m jobs dbt` does, which is told where tokens are.
SERVES = """
import os, sys
from datetime import UTC, datetime, timedelta
from jobs.clients import tokens

address, word = tokens.serve(lambda: ("a-token", datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)))
os.execvpe("sh", ["sh", "-c", "echo $ADDRESS; echo $WORD; read line"], {**os.environ, "ADDRESS": address, "WORD": word})
"""


def asked(address: str, word: str) -> tuple[int, dict[str, object]]:
    form = urllib.parse.urlencode({"grant_type": "refresh_token", "refresh_token": word}).encode()
    try:
        with urllib.request.urlopen(address, form, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def served() -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", SERVES]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, **pipes)


@pytest.mark.parametrize("ends", ["by itself", "killed"])
def test_tokens_are_given_out_until_the_command_ends(served: "subprocess.Popen[str]", ends: str) -> None:
    assert served.stdout
    address, word = served.stdout.readline().strip(), served.stdout.readline().strip()
    status, answer = asked(address, word)
    assert (status, answer["access_token"], answer["token_type"]) == (200, "a-token", "Bearer")
    assert 3500 < int(str(answer["expires_in"])) <= 3600
    assert asked(address, "another word") == (400, {"error": "invalid_grant"})
    if ends == "killed":
        served.kill()
    served.communicate("", timeout=10)  # returns once nobody holds the output any more
    deadline = time.monotonic() + 10
    with pytest.raises((urllib.error.URLError, ConnectionError)):  # noqa: PT012 - until it is
        while time.monotonic() < deadline:
            asked(address, word)


def test_what_keeps_tokens_from_being_minted_is_told(tmp_path: Path) -> None:
    def fails() -> tuple[str, datetime]:
        raise ConfigurationError(f"no key in {tmp_path}")

    status, answer = tokens._answer(fails, "word", "word")
    assert (status, answer["error_description"]) == (503, f"no key in {tmp_path}")


def test_a_token_whose_time_is_over_is_said_to_be() -> None:
    over = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    assert tokens._answer(lambda: ("t", over), "w", "w")[1]["expires_in"] == 0
