"""Every field of a schema, and a document in which one of them is set."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ITEM, KEY = "[]", "*"
"""In a path: an item of a list, and any key of a map."""
Path = tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A leaf of a schema: what has no fields of its own."""

    path: Path
    kind: str
    values: tuple[Any, ...] = ()

    @property
    def name(self) -> Path:
        """Its path as the table of translated fields has it: lists are their items."""
        return tuple(step for step in self.path if step != ITEM)


def fields(schema: Mapping[str, Any], path: Path = ()) -> Iterator[Field]:
    """Every leaf below, each once."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        yield Field(path, "any")
    elif schema.get("type") == "array":
        yield from fields(schema["items"], (*path, ITEM))
    elif schema.get("properties"):
        for name, inner in schema["properties"].items():
            yield from fields(inner, (*path, name))
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from fields(schema["additionalProperties"], (*path, KEY))
    else:
        yield Field(path, kind_of(schema, path), tuple(schema.get("enum", ())))


def kind_of(schema: Mapping[str, Any], path: Path) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "port"
    rules = str(schema.get("x-kubernetes-validations", ""))
    if "duration" in rules.lower() or path[-1] in ("ttl", "idleTimeout", "budgetInterval"):
        return "duration"
    return str(schema.get("type", "any"))


def put(document: dict[str, Any], path: Path, value: Any, key: str = "k") -> dict[str, Any]:
    """A copy with the value at the path, in the first item of every list on the way."""
    whole: dict[str, Any] = {"": copy.deepcopy(document)}
    target: Any = whole
    steps = ("", *(key if step == KEY else step for step in path))
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        place: Any = 0 if step == ITEM else step
        if following is None:
            store(target, place, value)
            break
        inner = target[0] if place == 0 and target else target.get(place) if isinstance(target, dict) else None
        wanted: Any = [] if following == ITEM else {}
        if not isinstance(inner, type(wanted)):
            inner = wanted
            store(target, place, inner)
        target = inner
    found: dict[str, Any] = whole[""]
    return found


def store(target: Any, place: Any, value: Any) -> None:
    if isinstance(target, list):
        target[:1] = [value]
    else:
        target[place] = value


def leaves(table: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The table of translated fields, flat."""
    if isinstance(table, dict):
        for name, inner in table.items():
            if not name.startswith("_"):
                yield from leaves(inner, (*path, name))
    else:
        yield path, table
