"""Any bytes and any fields in the requests of reads: each is answered or refused by name, and the process lives on."""

import asyncio
import base64
import os
import random
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from bourse.types.v1 import callers_pb2
from tests.bad_input.desk import Floor, Info, channel, info, require_whole
from tests.bad_input.test_callers import SERVICES, bearer, callers, token_of, way

SEED = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(1 << 32))
REQUESTS = 96
WAIT_SECONDS = 0.4  # of a call that waits for a sequence, and of a stream that has nothing to tell
READS = [
    pytest.param(process, method, id=f"{process}-{method.name}")
    for process, service in SERVICES.items()
    for method in service.methods
    if method.name.startswith(("Get", "List", "Stream", "Watch", "Export"))
]
INT32, INT64 = (1 << 31) - 1, (1 << 63) - 1
EXTREMES = [0, 0, 1, 2, 7, 100, 1000, 1001, -1, 1 << 31, 1 << 32, 1 << 48, INT64 - 1, INT64, -INT64, -INT64 - 1]
TEXTS = [
    "",
    "ACME",
    "BRIO",
    "WIDE",
    "EUR",
    "acme",
    "*",
    "%",
    "'",
    "\0",
    "é" * 40,
    "\u202e\u0301",
    "x" * 100_000,
    "../..",
    "1;--",
]
CLIENT_ALONE = "Deadline Exceeded"  # What a client tells when the deadline passed on its side.


class Fuzz:
    """Random requests of one method, all from one seed."""

    def __init__(self, method: MethodDescriptor, floor: Floor) -> None:
        self.random = random.Random(f"{SEED} {method.full_name}")
        self.method = method
        self.request: Any = GetMessageClass(method.input_type)
        self.response: Any = GetMessageClass(method.output_type)
        self.texts = [*TEXTS, floor.account, floor.other, floor.participant, "exchange/fees"]
        self.tokens = ["", "%%%", base64.urlsafe_b64encode(b"1.1").decode()]

    def message(self) -> bytes:
        """A request: of random bytes, of random fields, or of such ones a little broken."""
        kind = self.random.randrange(6)
        if not kind:
            return self.random.randbytes(self.random.randrange(1, 64))
        encoded: bytes = self.filled(self.request()).SerializeToString()
        if kind == 1 and encoded:
            at = self.random.randrange(len(encoded))
            return encoded[:at] + self.random.randbytes(self.random.randrange(3)) + encoded[at + 1 :]
        return encoded

    def filled(self, message: Any) -> Any:
        """With values in some of its fields."""
        for field in message.DESCRIPTOR.fields:
            if self.random.random() < 0.3:
                continue
            if not field.is_repeated:
                self.put(message, field)
                continue
            many = self.random.choice([0, 1, 1, 2, 3, 101])
            values = getattr(message, field.name)
            if field.message_type:
                for _ in range(many):
                    self.filled(values.add())
            else:
                values.extend(self.value(field) for _ in range(many))
        return message

    def put(self, message: Any, field: FieldDescriptor) -> None:
        if field.message_type:
            self.filled(getattr(message, field.name))
        else:
            setattr(message, field.name, self.value(field))

    def value(self, field: FieldDescriptor) -> Any:
        if field.cpp_type == field.CPPTYPE_STRING:
            return self.token() if field.name == "page_token" else self.text()
        if field.cpp_type == field.CPPTYPE_BOOL:
            return self.random.random() < 0.5
        if field.name == "shard":
            return self.random.choice([0, 1, 1, 2, -1, INT32])
        number = self.random.choice([*EXTREMES, self.random.randint(-INT64, INT64), self.random.randrange(200)])
        if field.cpp_type == field.CPPTYPE_INT64:
            return number
        assert field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_ENUM), f"no values for {field.full_name}"
        return max(-INT32 - 1, min(INT32, number))

    def text(self) -> str:
        letters = [
            chr(self.random.choice([*range(128), 0xE9, 0x4E2D, 0x1F600])) for _ in range(self.random.randrange(20))
        ]
        return self.random.choice([*self.texts, "".join(letters)])

    def token(self) -> str:
        """One that an answer named, perhaps with a letter or its content changed."""
        token = self.random.choice(self.tokens)
        kind = self.random.randrange(4)
        if not kind or not token:
            return token
        at = self.random.randrange(len(token))
        if kind == 1:
            return token[:at] + self.random.choice("Aa0_-=.%\0é") + token[at + 1 :]
        return base64.urlsafe_b64encode(
            self.random.choice([self.text(), f"{self.random.choice(EXTREMES)}.1"]).encode()
        ).decode()

    def learn(self, answer: Message) -> None:
        """Keeps the page token of an answer, for the next ones to mutate."""
        if token := getattr(answer, "next_page_token", ""):
            self.tokens.append(token)


async def ask(opened: grpc.aio.Channel, fuzz: Fuzz, message: bytes, metadata: Any) -> Message | Info | None:
    """The answer (a stream's first), what is refused, or None where there was nothing to tell."""
    read = way(opened, fuzz.method)
    call = read.call(message, timeout=WAIT_SECONDS, metadata=metadata)
    try:
        answer = await (call.read() if read.streams_out else call)
    except grpc.aio.AioRpcError as error:
        told = info(error)
        return None if told.code == "DEADLINE_EXCEEDED" and not told.reason and CLIENT_ALONE in told.message else told
    finally:
        call.cancel()
    if answer is grpc.aio.EOF:
        return None
    decoded: Message = fuzz.response.FromString(bytes(answer))
    return decoded


@pytest.mark.parametrize(("process", "method"), READS)
async def test_any_request(process: str, method: MethodDescriptor, floor: Floor) -> None:
    """Every answer is a message or a refusal that says why and what to do; and the process is the one that it was."""
    machine = floor.exchange.machine
    pid, fuzz = floor.exchange.pid(process), Fuzz(method, floor)
    names = sorted(callers_pb2.Caller.Name(number) for number in callers(method))
    tokens = [bearer(token_of(machine.credentials, name, floor.participant)) for name in names]
    replay = f"FUZZ_SEED={SEED} .venv/bin/pytest '{os.environ['PYTEST_CURRENT_TEST'].partition(' ')[0]}'"
    async with channel(machine.address(process)) as opened:
        for _ in range(2):  # The second time with the page tokens of the first.
            messages = [fuzz.message() for _ in range(REQUESTS // 2)]
            metadata = [fuzz.random.choice(tokens) for _ in messages]
            asked = (ask(opened, fuzz, *one) for one in zip(messages, metadata, strict=True))
            answers = await asyncio.gather(*asked)
            assert any(answers), f"nothing is answered\n{replay}"
            for message, told in zip(messages, answers, strict=True):
                if isinstance(told, Info):
                    about = f"{told}\nto {shown(fuzz, message)}\n{replay}"
                    assert told.reason, about
                    assert told.code not in ("INTERNAL", "UNKNOWN", "UNAVAILABLE", "DATA_LOSS"), about
                    require_whole(told)
                elif told is not None:
                    fuzz.learn(told)
    assert floor.exchange.pid(process) == pid, replay


def shown(fuzz: Fuzz, message: bytes) -> str:
    try:
        return f"{fuzz.request.FromString(message)}"[:2000]
    except DecodeError:
        return message.hex()[:2000]
