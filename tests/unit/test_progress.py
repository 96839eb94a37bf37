from logging import WARNING

import pytest

from jobs.logs import log_fact
from jobs.pipeline.progress import Progress
from tests.conftest import DAY


def test_a_retry_is_a_plain_line_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress({"web_forms": 1}):
        error = "Postgres at h:5432/d cannot be reached:\n\tConnection refused"
        log_fact("retry", "web_forms", DAY, "R1", level=WARNING, error=error, first_task_failure="", tried=1, pause=5)
        log_fact("weak_tls", "web_forms", DAY, "R1", level=WARNING, text="...")
    log_fact(
        "retry", "web_forms", DAY, "R2", level=WARNING, error="of another run", first_task_failure="", tried=1, pause=5
    )
    said = "web_forms 2025-11-21 again in 5 s: Postgres at h:5432/d cannot be reached: Connection refused\n"
    assert capsys.readouterr().err == said
