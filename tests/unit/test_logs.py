import re

import pytest

from jobs.__main__ import main
from tests.conftest import DAY, World


def test_a_folder_for_logs_that_cannot_be_written_is_said_in_one_line(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.file.write_text(re.sub('logs = ".*"', 'logs = "/proc/none"', world.file.read_text()))
    assert main(["run", "--date", str(DAY), "--source", "call_logs", "--env", str(world.file)]) == 78
    assert capsys.readouterr().err.startswith("error: logs: found /proc/none, which cannot be written (")
