"""What options take before a command looks for an exchange."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.__main__ import main


@pytest.mark.parametrize(
    "command",
    [
        "demo --seconds",
        "token --operator --hours",
        "version drain svc_order --subset stable --share",
        "watch book ACME --seconds",
    ],
)
def test_nan_is_no_number(command: str, tmp_path: Path) -> None:
    """It is within no bounds, though it is beyond none."""
    done = CliRunner(env={"BOURSE_HOME": str(tmp_path)}).invoke(main, [*command.split(), "nan"])
    assert (done.exit_code, "'nan' is not a number" in done.output) == (2, True), done.output
