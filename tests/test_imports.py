"""Imports go one way, and every service has the same names."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMES = {"__init__", "__main__", "settings", "core", "ports", "app", "wire", "rpc", "bus", "db", "schema"}


def test_imports_keep_the_contracts() -> None:
    """The contracts of pyproject.toml hold for every module."""
    program = Path(sys.executable).with_name("lint-imports")
    lint = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout + lint.stderr


@pytest.mark.parametrize("service", ["svc_order", "svc_match", "svc_ledger", "svc_quote"])
def test_a_service_says_why_it_has_a_name_of_its_own(service: str) -> None:
    """Whoever has read one service knows where to look in the other three."""
    folder = ROOT / service
    found = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    explained = (folder / "__init__.py").read_text("utf-8")
    assert [name for name in sorted(found - NAMES) if f"`{name}`" not in explained] == []
