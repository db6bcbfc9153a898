"""What goes wrong in the translation of a document is said of that document: nobody who reads YAML is ended by it."""

from collections.abc import Callable, Iterator
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from mesh.local.document import Document, Problem, Untranslatable

Given = ParamSpec("Given")
Made = TypeVar("Made")


def translating(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """The function, whose unexpected errors are Untranslatable, with the file and the line of the document it was at."""

    @wraps(function)
    def whole(*given: Given.args, **also: Given.kwargs) -> Made:
        try:
            return function(*given, **also)
        except (Untranslatable, OSError):
            raise
        except Exception as error:
            why = f"cannot be translated: {type(error).__name__}: {error}"
            document = culprit(error.__traceback__)
            problem = (
                Problem("(given)", 0, "", "", "(document)", why) if document is None else document.problem((), why)
            )
            raise Untranslatable([problem]) from error

    return whole


def culprit(trace: TracebackType | None) -> Document | None:
    """The document that was at hand, or that holds what was, from where it went wrong outwards."""
    hands: list[list[Any]] = []
    while trace is not None:
        hands.insert(0, list(trace.tb_frame.f_locals.values()))
        trace = trace.tb_next
    known = [one for hand in hands for value in hand for one in of_world(value)]
    for value in (value for hand in hands for value in hand):
        found = value if isinstance(value, Document) else getattr(value, "document", None)
        if isinstance(found, Document):
            return found
        if isinstance(value, dict | list):
            for document in known:
                if holds(document.body, value):
                    return document
    return None


def of_world(value: object) -> Iterator[Document]:
    found = getattr(value, "documents", ())
    yield from (one for one in found if isinstance(one, Document)) if isinstance(found, tuple) else ()


def holds(whole: Any, part: object) -> bool:
    inner = whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ()
    return whole is part or any(holds(one, part) for one in inner)
