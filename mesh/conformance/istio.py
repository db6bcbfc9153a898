"""Istio's own programs, built from the module beside this file: its discovery server, kustomize, `istioctl analyze` and `validate`."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]

MODULE = Path(__file__).parent
BUILD = MODULE / "build"
PROGRAMS = {"conformance": ".", "istioctl": "istio.io/istio/istioctl/cmd/istioctl"}
BUILD_SECONDS = 3600
RUN_SECONDS = 120
SHOWN_CHARACTERS = 2000
GO_MAJOR, GO_MINOR = 1, 26  # As go.mod says.


class Unavailable(Exception):
    """Istio's programs cannot be built here; the reason is for people."""


class Failed(Exception):
    """A program of Istio's refused what it was given; its own words."""


def build() -> None:
    """Both programs, in `build/`. The first time takes minutes and 2 GB of Go's cache; then it is a matter of seconds.

    Unavailable without a Go that is new enough.
    """
    if shutil.which("go") is None:
        raise Unavailable("Go is not on the PATH")
    found = run(["go", "env", "GOVERSION"], GOTOOLCHAIN="local").removeprefix("go").split(".")
    if tuple(int(part) for part in found[:2]) < (GO_MAJOR, GO_MINOR):
        raise Unavailable(f"Go {'.'.join(found).strip()} is on the PATH, and {GO_MAJOR}.{GO_MINOR} is needed")
    for name, package in PROGRAMS.items():
        run(["go", "build", "-o", str(BUILD / name), package], seconds=BUILD_SECONDS, GOTOOLCHAIN="local")


def kustomized(folder: Path) -> str:
    """What `kubectl apply -k` of the folder applies."""
    return run([str(BUILD / "conformance"), str(folder)])


def answers(cases: Sequence[Json]) -> list[dict[str, Mapping[str, Json]]]:
    """For each case and each proxy: what istiod generates, and ours in the same spelling."""
    found: list[dict[str, Mapping[str, Json]]] = json.loads(run([str(BUILD / "conformance")], json.dumps(cases)))
    return found


def analyzed(file: Path, mesh: Path) -> list[Json]:
    """What `istioctl analyze` says of the file, whatever its severity."""
    options = ["--use-kube=false", f"--meshConfigFile={mesh}", "--output=json", "--failure-threshold=Error"]
    said = run([str(BUILD / "istioctl"), "analyze", *options, str(file)], accepted=(0, 79))
    if not said.startswith(("[", "null")):
        raise Failed(f"istioctl analyze: {said[:SHOWN_CHARACTERS]}")
    found: list[Json] | None = json.loads(said)
    return found or []


def validated(file: Path) -> list[str]:
    """What `istioctl validate` says of the file's objects: Istio's own rules for each, as its webhook applies them."""
    done = subprocess.run(
        [str(BUILD / "istioctl"), "validate", "-f", str(file)],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    said = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return [line for line in said if not line.endswith(("is valid", "has warnings:"))]


def run(
    command: Sequence[str], given: str = "", accepted: Sequence[int] = (0,), seconds: int = RUN_SECONDS, **more: str
) -> str:
    environment = {**os.environ, "KUBECONFIG": str(BUILD / "no-cluster"), **more}
    done = subprocess.run(
        list(command),
        input=given,
        capture_output=True,
        text=True,
        cwd=MODULE,
        env=environment,
        timeout=seconds,
        check=False,
    )
    if done.returncode not in accepted:
        raise Failed(f"{' '.join(command)}: {(done.stderr.strip() or done.stdout.strip())[:SHOWN_CHARACTERS]}")
    return done.stdout
