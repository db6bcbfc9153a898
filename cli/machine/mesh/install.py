"""Another version of the services on this machine: a checkout with its .venv, or an installed environment."""

import os
import subprocess
from pathlib import Path

from cli.machine.home import MachineError

PYTHONS = (".venv/bin/python", "bin/python")
ASK = "import importlib.metadata, sys, {service}; print(importlib.metadata.version('bourse'), {service}.__file__)"
ASK_SECONDS = 30.0


def found_in(folder: Path, service: str) -> tuple[Path, str]:
    """The Python in the folder that has the service installed, and the release that it says it is. MachineError if none."""
    folder = folder.resolve()
    found = next((folder / python for python in PYTHONS if os.access(folder / python, os.X_OK)), None)
    if found is None:
        raise MachineError(f"{folder} has no {' and no '.join(PYTHONS)}: in a checkout, run `make setup` first")
    asked = [str(found), "-c", ASK.format(service=service)]
    try:
        said = subprocess.run(asked, cwd="/", capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{found} does not run: {error}") from None
    if said.returncode != 0:
        raise MachineError(f"{found} has no {service}: {(said.stderr.strip().splitlines() or ['it says nothing'])[-1]}")
    release, place = said.stdout.split(maxsplit=1)
    if folder not in Path(place.strip()).resolve().parents:
        raise MachineError(f"{found} runs {service} from {Path(place.strip()).parent}, which is not in {folder}")
    return found, release
