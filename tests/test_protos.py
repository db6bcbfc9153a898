"""The protos are the contract: well formed, and what is committed in protos/gen is what they say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "protos" / "gen"


def stubs(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted((folder / "bourse").rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_stubs_are_fresh(tmp_path: Path) -> None:
    """The committed stubs are those that `make protos` makes."""
    subprocess.run([sys.executable, ROOT / "protos" / "generate.py", tmp_path], check=True)
    made, committed = stubs(tmp_path), stubs(GENERATED)
    stale = sorted(name for name in made.keys() | committed.keys() if made.get(name) != committed.get(name))
    assert not stale, f"run `make protos`: {stale}"


def test_protos_keep_the_lint_rules() -> None:
    """buf's STANDARD and COMMENTS rules hold for every proto."""
    buf = Path(sys.executable).with_name("buf")
    lint = subprocess.run([buf, "lint"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert lint.returncode == 0, lint.stdout + lint.stderr
