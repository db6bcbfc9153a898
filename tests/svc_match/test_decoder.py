"""What the decoder takes as plain is what the protobuf library reads and would write; all else it leaves to the library."""

import random
import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError

from bourse.match.v1 import match_pb2
from bourse.types.v1 import command_pb2
from svc_match.codec import Codec
from svc_match.core import record
from svc_match.ports import Command
from svc_match.wire.commands import read_request

SEEDS = range(3)
ROUNDS = 4_000
TEXTS = (
    "",
    "a",
    "alpha/main",
    "x" * 36,
    "x" * 37,
    "y" * 128,
    "y" * 129,
    "é",
    "a b",
    "it's",
    'a"b',
    "a\\b",
    "\x7f",
    "ACME",
    "~!",
)
NUMBERS = (
    0,
    1,
    127,
    128,
    16_383,
    16_384,
    (1 << 31) - 1,
    1 << 31,
    (1 << 56) - 1,
    1 << 62,
    (1 << 63) - 1,
    -1,
    -(1 << 63),
)
SMALL = (0, 1, 2, 3, 4, -1, 20260105, (1 << 31) - 1, -(1 << 31))


def drawn(chance: random.Random, ordinary: float) -> match_pb2.Submission:
    """A submission whose fields are ordinary with a chance, each on its own."""
    made = match_pb2.Submission()
    kind = chance.choice(("place", "cancel", "replace"))
    command = getattr(made.command, kind)
    command.SetInParent()
    for message in (made, command):
        for field in message.DESCRIPTOR.fields:
            if field.message_type is not None or chance.random() < (1 - ordinary) / 2:
                continue
            plain = chance.random() < ordinary
            if field.cpp_type == field.CPPTYPE_STRING:
                value: Any = chance.choice(("ACME", "alpha/main", f"o{chance.randrange(999)}") if plain else TEXTS)
            elif field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_ENUM):
                value = chance.choice((1, 2) if plain else SMALL)
            else:
                value = chance.randrange(1 << chance.randrange(1, 63)) if plain else chance.choice(NUMBERS)
            setattr(message, field.name, value)
    return made


def read(codec: Codec, raw: bytes) -> tuple[str, list[Command]] | None:
    try:
        return codec.request(raw)
    except DecodeError:
        return None


def expected(raw: bytes) -> tuple[str, list[Any]] | None:
    try:
        return read_request(raw)
    except DecodeError:
        return None


def compare(codec: Codec, raw: bytes) -> int:
    """How many plain commands are in a request; whatever it holds, the library says the same."""
    wanted, found = expected(raw), read(codec, raw)
    if wanted is None or found is None:
        assert wanted is found is None, raw.hex()
        return 0
    assert found[0] == wanted[0], raw.hex()
    assert [codec.item(command) for command in found[1]] == wanted[1], raw.hex()
    for command in found[1]:
        if isinstance(command, bytes):
            body = command[record.RECORD_BYTES :]
            assert match_pb2.Submission.FromString(body).SerializeToString() == body
    return sum(isinstance(command, bytes) for command in found[1])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_decoder_equals_the_library(seed: int) -> None:
    """On requests of any field values, and on these with bytes changed, left out, put in, doubled or cut off."""
    chance, codec, plain, malformed = random.Random(seed), Codec(), 0, 0
    for _ in range(ROUNDS):
        ordinary = chance.choice((0.5, 0.97, 1.0))
        submissions = [drawn(chance, ordinary) for _ in range(chance.choice((0, 1, 1, 3)))]
        incarnation = chance.choice(("", "0" * 32, "é"))
        raw = match_pb2.SubmitRequest(incarnation=incarnation, submissions=submissions).SerializeToString()
        plain += compare(codec, raw)
        for _ in range(4):
            mutated = mutate(chance, raw)
            compare(codec, mutated)
            malformed += expected(mutated) is None
    assert plain > ROUNDS // 8
    assert malformed > ROUNDS // 4


def mutate(chance: random.Random, raw: bytes) -> bytes:
    at, end = sorted((chance.randrange(len(raw) + 1), chance.randrange(len(raw) + 1)))
    how = chance.randrange(7)
    if how == 0:
        return raw[:at]
    if how == 1:
        return raw[:at] + chance.randbytes(1) + raw[at + 1 :]
    if how == 2:
        return raw[:at] + raw[end:]
    if how == 3:
        return raw[:at] + chance.randbytes(chance.choice((1, 2, 9))) + raw[at:]
    if how == 4:
        return raw + raw[at:end]
    if how == 5 and raw:
        return raw[:at] + bytes([raw[at % len(raw)] ^ 1 << chance.randrange(8)]) + raw[at + 1 :]
    return chance.randbytes(chance.randrange(40))


@pytest.mark.parametrize("seed", SEEDS)
def test_another_encoding_of_the_same_goes_the_general_way(seed: int) -> None:
    """Fields in another order, twice, with their default, unknown, or a varint of more bytes: nothing of it is plain."""
    chance, codec = random.Random(seed), Codec()
    place = command_pb2.PlaceOrder(
        account="a/b",
        client_order_id="c",
        trading_date=20260105,
        symbol="X",
        side=1,
        type=1,
        time_in_force=1,
        price_e4=1,
    )  # type: ignore[arg-type]
    fields = re.findall(rb"[\x0a\x12\x22](?:\x03a/b|\x01.)|[\x28-\x40].|\x18....", place.SerializeToString(), re.DOTALL)
    assert b"".join(fields) == place.SerializeToString()
    assert is_plain(codec, fields)
    at = chance.randrange(len(fields) - 1)
    assert not is_plain(codec, [*fields[:at], fields[at + 1], fields[at], *fields[at + 2 :]])
    assert not is_plain(codec, [*fields, fields[-1]])
    assert not is_plain(codec, [*fields, b"\x48\x00"])
    assert not is_plain(codec, [*fields[:-1], b"\x40\x81\x00"])
    for unknown in (b"\x58\x01", b"\x62\x01x", b"\xa2\x06\x00", b"\x7d\x00\x00\x00\x00"):
        assert not is_plain(codec, [*fields, unknown])


def is_plain(codec: Codec, fields: list[bytes]) -> bool:
    body = b"".join(fields)
    order = b"\x0a" + bytes([len(body)]) + body
    raw = b"\x0a" + bytes([len(order)]) + order
    compare(codec, b"\x12" + bytes([len(raw)]) + raw)
    return isinstance(codec.command(raw), bytes)


def test_the_record_is_the_same_for_c() -> None:
    """record.pxd has the numbers of record.py."""
    of_c = re.findall(
        r"^    (\w+) = (\w+)$", Path(record.__file__).with_suffix(".pxd").read_text("utf-8"), re.MULTILINE
    )
    of_python = {name: value for name, value in vars(record).items() if name.isupper()}
    assert {name: int(value, 0) for name, value in of_c} == of_python
