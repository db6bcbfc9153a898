"""Runs a test module on the core as it is written, although a compiled one is there:
python -m tests.svc_match.interpreted twin --seed 1
"""

import importlib.util
import runpy
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2]
CORE = (
    "books",
    "standing",
    "stops",
    "protection",
    "arrival",
    "indication",
    "auction",
    "pegs",
    "special",
    "identity",
    "plain",
)
COMPILED = (*(f"core.{name}" for name in CORE), "decoder", "encoder")


def main() -> None:
    """Loads the sources in place of the compiled modules; then as tests.svc_match.<the module>."""
    for name in (f"svc_match.{module}" for module in COMPILED):
        spec = importlib.util.spec_from_file_location(name, FOLDER / (name.replace(".", "/") + ".py"))
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    runpy.run_module(f"tests.svc_match.{sys.argv.pop(1)}", run_name="__main__")


if __name__ == "__main__":
    main()
