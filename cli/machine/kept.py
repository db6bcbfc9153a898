"""What is kept in a JSON file: read back as the dataclass that it was written from, or a sentence saying what is wrong in it."""

import json
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from cli.machine.home import MachineError

T = TypeVar("T")
SHOWN_CHARACTERS = 60
WORDS = {int: "whole number", float: "number", str: "text", bool: "boolean"}


def load(kind: type[T], file: Path) -> T | None:
    """None when there is no such file; MachineError, naming it and the place in it, when it does not hold one of that kind.

    Of another release it may say more, which is ignored, or less, where the dataclass has a default.
    """
    try:
        return cast(T, made(kind, json.loads(file.read_text("utf-8")), ""))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise MachineError(f"{file} cannot be read: {error}") from None


def made(kind: Any, value: Any, place: str) -> Any:
    """The JSON value as one of that kind. ValueError with its place where it is none."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is types.UnionType:
        return None if value is None else made(inner[0], value, place)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**dict(of_fields(kind, need(value, dict, place, "mapping"), place)))
    if origin is dict:
        found = need(value, dict, place, "mapping")
        return {name: made(inner[1], one, f"{place}.{name}") for name, one in found.items()}
    if origin is list:
        found = need(value, list, place, "list")
        return [made(inner[0], one, f"{place}[{index}]") for index, one in enumerate(found)]
    return need(value, (int, float) if kind is float else kind, place, WORDS[kind])


def of_fields(kind: Any, value: dict[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(kind)
    for field in fields(kind):
        if field.name in value:
            yield field.name, made(hints[field.name], value[field.name], f"{place}.{field.name}")
        elif field.default is field.default_factory:  # Neither has a value.
            raise ValueError(f"{place.lstrip('.') or 'it'} needs {field.name}")


def need(value: Any, kind: Any, place: str, word: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{place.lstrip('.') or 'it'}: {json.dumps(value)[:SHOWN_CHARACTERS]} is no {word}")
    return value
