"""The YAML that was applied last, kept in the home: what a controller starts from, whatever stands on the disk since."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cli.machine.home import Home, to_json
from mesh.local.document import Document
from mesh.local.private import write_private

FILE = "applied.json"


@dataclass(frozen=True)
class Applied:
    """`readings`: of the desired state, when it took effect."""

    readings: int
    documents: Sequence[Document]


def read(home: Home) -> Applied | None:
    """None before the first time."""
    try:
        held = json.loads((home.mesh / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return Applied(held["readings"], [Document(one["body"], one["file"]) for one in held["documents"]])


def forget(home: Home) -> None:
    """The next controller takes what is on the disk."""
    (home.mesh / FILE).unlink(missing_ok=True)


def write(home: Home, applied: Applied) -> None:
    documents = [{"file": document.file, "body": document.body} for document in applied.documents]
    write_private(home.mesh / FILE, to_json({"readings": applied.readings, "documents": documents}))
