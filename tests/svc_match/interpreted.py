"""Runs the twin on the core as it is written, although a compiled one is there: python -m tests.svc_match.interpreted"""

import importlib.util
import runpy
import sys
from pathlib import Path

NAMES = tuple(f"svc_match.core.{name}" for name in ("books", "standing", "stops", "arrival", "special"))


def main() -> None:
    """Loads the sources in place of the compiled modules; then as tests.svc_match.twin."""
    for name in NAMES:
        source = Path(__file__).parents[2] / (name.replace(".", "/") + ".py")
        spec = importlib.util.spec_from_file_location(name, source)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    runpy.run_module("tests.svc_match.twin", run_name="__main__")


if __name__ == "__main__":
    main()
