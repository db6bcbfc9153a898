"""Runs a test module on the core as it is written, although a compiled one is there:
python -m tests.svc_match.interpreted twin --seed 1
"""

import runpy
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "svc_match"


def sources(path: str) -> FileFinder:
    """Finds what is written in a folder of svc_match, and nothing compiled."""
    if not Path(path).is_relative_to(FOLDER):
        raise ImportError
    return FileFinder(path, (SourceFileLoader, [".py"]))


def main() -> None:
    """As tests.svc_match.<the module>."""
    sys.path_hooks.insert(0, sources)
    runpy.run_module(f"tests.svc_match.{sys.argv.pop(1)}", run_name="__main__")


if __name__ == "__main__":
    main()
