"""`bourse mesh policies`: who may call what."""

from pathlib import Path
from typing import Any

import click

from cli.answers import NotReached, columns, show
from cli.machine import Machine, MachineError
from cli.options import home_option, json_option
from mesh.local.document import Document

HEAD = ("service", "action", "caller", "when", "methods")
EVERYTHING = "*"


@click.command(short_help="Who may call what.")
@home_option
@json_option
def policies(home: Path, as_json: bool) -> None:
    """Who may call what: the policies that the sidecars hold, as they were applied last. What is not here is refused.

    \b
    Examples:
      bourse mesh policies
      bourse mesh policies --json
    """
    try:
        documents = Machine(home).mesh.world.of("AuthorizationPolicy")
    except MachineError as error:
        raise NotReached(str(error)) from None
    found = [rule for document in documents for rule in rules_of(document)]
    cells = [
        (one["service"], one["action"], ", ".join(one["callers"]), one["when"] or "-", method)
        for one in found
        for method in one["methods"]
    ]
    show(as_json, found, columns(HEAD, cells))


def rules_of(document: Document) -> list[dict[str, Any]]:
    """Each rule: whom it admits (by service account), to which methods, with which claims."""
    labels = (document.spec.get("selector") or {}).get("matchLabels") or {}
    return [
        {
            "service": labels.get("app", EVERYTHING),
            "action": str(document.spec.get("action", "ALLOW")).lower(),
            "callers": callers_of(rule),
            "when": " and ".join(map(condition, rule.get("when") or [])),
            "methods": [path for to in rule.get("to") or [] for path in to["operation"].get("paths") or []]
            or [EVERYTHING],
        }
        for rule in document.spec.get("rules") or []
    ]


def callers_of(rule: dict[str, Any]) -> list[str]:
    found = []
    for source in [one["source"] for one in rule.get("from") or []]:
        found += [principal.rpartition("/")[2] for principal in source.get("principals") or []]
        found += [f"token {principal}" for principal in source.get("requestPrincipals") or []]
    return found or [EVERYTHING]


def condition(when: dict[str, Any]) -> str:
    key = when["key"].removeprefix("request.auth.claims").strip("[]") or when["key"]
    is_one = f"{key} is {' or '.join(when['values'])}" if when.get("values") else ""
    is_none = f"{key} is not {' or '.join(when['notValues'])}" if when.get("notValues") else ""
    return " and ".join(filter(None, (is_one, is_none)))
