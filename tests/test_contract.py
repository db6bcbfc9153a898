"""What the protos' comments say is whole and true: units and ranges of fields, statuses and reasons of methods."""

import ast
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import grpc
import grpc_tools
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from svc_match.core.events import Reason
from svc_match.rpc import CODES as MATCH_CODES
from svc_order.core.refused import STATUS_OF
from svc_quote.rpc import CODES as QUOTE_CODES

ROOT = Path(__file__).resolve().parent.parent
STATUSES = frozenset(status.name for status in grpc.StatusCode)
RESULTS = frozenset({"REJECTED", "REFUSED", "FAILED", "REUSED", "STOPPED"})  # not statuses: a refusal inside an answer
BY_CALL = {**dict.fromkeys(("invalid", "_invalid", "require"), "INVALID_ARGUMENT"), "_stop": "STOPPED"}
CHASSIS = ("chassis/boundary.py", "chassis/errors.py", "chassis/identity.py")
ALSO = {"match": ("chassis/coalesce.py",)}
TABLES = ("svc_order/core/refused.py", "svc_match/core/events.py", "svc_match/core/words.py")  # name reasons, give none

RANGE = re.compile(
    r"(?<![\w^])-?(\(2\^63-1\)|\d[\d ]*(\^\d+)?|min_price_e4) to "
    r"(\d|the instrument's max_quantity|max_price_e4|one behind the last|parts - 1)"
)
UNITS = {  # of a field with this name, or with this ending
    "_e4": "1/10 000",
    "_e6": "1/1 000 000",
    "_us": "microseconds",
    "quantity": "shares",
    "amount": "unit|1/10 000",
    "trading_date": "yyyymmdd",
}
SETTER = re.compile(
    r"\. Set by (the (broker|operator|caller|reader|SDK|journal|service|service that \w+)"
    r"|svc_(order|match|ledger|quote)|whoever names the position)\b"
)
REASON = re.compile(r"[A-Z]{4,}|[A-Z]+(_[A-Z]+)+")
STATED = re.compile(rf"\b({'|'.join(sorted(STATUSES | RESULTS))}): ((?:[^.()]|\([^)]*\))*)\.")


class Documented(NamedTuple):
    """A field of a proto with its comment."""

    name: str
    field: Field
    comment: str


@cache
def files() -> tuple[FileDescriptorProto, ...]:
    """Our protos with their comments."""
    sources = sorted((ROOT / "protos").glob("bourse/**/*.proto"))
    known = Path(grpc_tools.__file__).with_name("_proto")
    arguments = [f"--proto_path={ROOT / 'protos'}", f"--proto_path={known}", "--include_source_info"]
    with tempfile.NamedTemporaryFile() as made:
        assert protoc.main(["protoc", *arguments, f"--descriptor_set_out={made.name}", *map(str, sources)]) == 0
        return tuple(FileDescriptorSet.FromString(made.read()).file)


def comments(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    """The comment of each place in a file, on one line."""
    return {tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location}


def fields() -> Iterator[Documented]:
    """All fields but the choices of a oneof, which has a comment of its own."""
    for file in files():
        said = comments(file)
        for number, message in enumerate(file.message_type):
            for index, field in enumerate(message.field):
                if not field.HasField("oneof_index"):
                    yield Documented(f"{file.package}.{message.name}.{field.name}", field, said[4, number, 2, index])


def is_repeated(field: Field) -> bool:
    return field.label == Field.LABEL_REPEATED


def unit(field: Field) -> str:
    return next((words for name, words in UNITS.items() if field.name.endswith(name)), "")


def test_every_field_says_who_sets_it() -> None:
    """Each ends with "Set by ..."."""
    assert not [one.name for one in fields() if not SETTER.search(one.comment)]


def test_every_integer_names_its_unit_and_range() -> None:
    """`0 to 2^63-1`, `1 to 4 194 304`, ...; the unit is the one that the field's name ends with."""
    numbers = [one for one in fields() if one.field.type in (Field.TYPE_INT32, Field.TYPE_INT64)]
    assert len(numbers) > 150
    assert not [one.name for one in numbers if not RANGE.search(one.comment)], "no range"
    assert not [one.name for one in numbers if not re.search(unit(one.field), one.comment, re.IGNORECASE)], "no unit"


def test_no_integer_is_of_another_type() -> None:
    """Unsigned and fixed types would need a rule of their own; floats are not for money."""
    known = (Field.TYPE_INT32, Field.TYPE_INT64, Field.TYPE_STRING, Field.TYPE_BYTES, Field.TYPE_BOOL)
    named = (Field.TYPE_MESSAGE, Field.TYPE_ENUM)
    assert not [one.name for one in fields() if one.field.type not in known + named]


def test_every_text_and_list_names_its_limit() -> None:
    """Strings and bytes say how long they are, repeated fields how many there may be."""
    limited = [
        one for one in fields() if is_repeated(one.field) or one.field.type in (Field.TYPE_STRING, Field.TYPE_BYTES)
    ]
    assert not [one.name for one in limited if not re.search(r"\d", re.sub(r"\bv1\b", "", one.comment))]


# Reasons: by reason, the statuses that it comes with


Reasons = dict[str, set[str]]


def stated(package: str, place: int) -> Reasons:
    """The reasons in a package's comments: of services and methods (place 6), or of messages (place 4)."""
    found: Reasons = {}
    for file in files():
        if file.package == f"bourse.{package}.v1":
            for path, comment in comments(file).items():
                for status, listed in STATED.findall(comment) if path[:1] == (place,) else ():
                    for reason in re.sub(r"\([^)]*\)", "", listed).split(","):
                        assert REASON.fullmatch(reason.strip()), f"{status}: {listed!r} is no list of reasons"
                        found.setdefault(reason.strip(), set()).add(status)
    return found


def given(*paths: str) -> Reasons:
    """The reasons that code gives; no status where the code does not say it beside the reason."""
    found: Reasons = {}
    for path in paths:
        tree = ast.parse((ROOT / path).read_text())
        named = {id(one) for node in ast.walk(tree) for one in only_named(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for status, reason in refused_by(node):
                    found.setdefault(reason, set()).add(status)
            elif id(node) not in named and (reason := word(node)) and is_reason(node, reason):
                found.setdefault(reason, set())
    return found


def only_named(node: ast.AST) -> list[ast.expr | None]:
    """What is a table's key or is compared with: others' reasons too."""
    if isinstance(node, ast.Dict):
        return node.keys
    return [node.left, *node.comparators] if isinstance(node, ast.Compare) else []


def refused_by(call: ast.Call) -> Iterator[tuple[str, str]]:
    """A constant reason among a call's arguments, with the status before it."""
    for before, argument in pairwise([call.func, *call.args]):
        status = word(before) if word(before) in STATUSES else BY_CALL.get(word(call.func), "")
        if status and isinstance(argument, ast.Constant) and REASON.fullmatch(word(argument)):
            yield status, word(argument)


def word(node: ast.AST) -> str:
    """A constant's text, or the last name of a dotted one."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_reason(node: ast.AST, text: str) -> bool:
    """Whether it is `Reason.X`, or a text in upper snake case that is no status."""
    if isinstance(node, ast.Attribute):
        return word(node.value) == "Reason"
    named = isinstance(node, ast.Constant) and "_" in text and REASON.fullmatch(text) is not None
    return named and text not in STATUSES


def code_of(service: str) -> tuple[str, ...]:
    """The files of a service that can give a reason."""
    own = (str(path.relative_to(ROOT)) for path in sorted((ROOT / f"svc_{service}").rglob("*.py")))
    return tuple(path for path in own if path not in TABLES and "/schema/" not in path) + ALSO.get(service, ())


def passed_on() -> set[str]:
    """What svc_order tells brokers of others: why the core refuses or rejects commands, and the ledger holds."""
    return {
        reason
        for service in ("match", "ledger")
        for reason, statuses in stated(service, 6).items()
        if statuses & RESULTS - {"STOPPED"}
    }


def known(service: str) -> Reasons:
    """The reasons that a service gives, with the statuses of its table."""
    found = given(*code_of(service))
    if service == "order":
        return {reason: {STATUS_OF.get(reason, "not in STATUS_OF")} for reason in found.keys() | passed_on()}
    if service == "quote":
        return {reason: found[reason] or {QUOTE_CODES[reason].name} for reason in found}
    if service == "match":
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        for reason in Reason.__members__.keys() & found.keys():
            found[reason] |= {MATCH_CODES.get(Reason[reason], invalid).name}
    return found


@pytest.mark.parametrize("service", ["order", "match", "ledger", "quote"])
def test_methods_name_what_the_service_refuses(service: str) -> None:
    """Each reason that the code gives is in a comment under its status, and no comment names another."""
    compare(stated(service, 6), known(service))


def test_every_status_is_of_a_reason_that_brokers_get() -> None:
    """svc_order's table has no reason that nobody gives."""
    assert set(STATUS_OF) - known("order").keys() == set()


def test_what_any_method_may_give_is_what_the_chassis_gives() -> None:
    """The list at types.v1.Refusal."""
    compare(stated("types", 4), given(*CHASSIS))


def compare(comment: Reasons, code: Reasons) -> None:
    assert sorted(code.keys() - comment.keys()) == [], "the code gives what no comment names"
    assert sorted(comment.keys() - code.keys()) == [], "a comment names what no code gives"
    for reason, statuses in comment.items():
        wrong = statuses - RESULTS - code[reason] if code[reason] else set()
        assert not wrong, f"{reason} comes with {code[reason]}"
