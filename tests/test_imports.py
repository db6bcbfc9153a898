"""Imports go one way."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_imports_keep_the_contracts() -> None:
    """The contracts of pyproject.toml hold for every module."""
    program = Path(sys.executable).with_name("lint-imports")
    lint = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout + lint.stderr
