"""The SDK stands on grpcio, protobuf and the stubs; it uses OpenTelemetry when its caller does."""

import subprocess
import sys
from decimal import localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

from bourse_sdk import Client, Place, Side, decimal_text, e4
from bourse_sdk.money import INT64_MAX
from tests.sdk.exchange import SYMBOL, Exchange, direct, served

ALONE = """
import asyncio, sys

class Nothing:
    ALLOWED = {"bourse", "bourse_sdk", "google", "grpc", "typing_extensions", *sys.stdlib_module_names}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.ALLOWED and not name.startswith("__editable__"):
            raise ModuleNotFoundError(f"{name} is not installed", name=name)

sys.meta_path.insert(0, Nothing())
import bourse_sdk

async def use():
    async with bourse_sdk.Client(order="127.0.0.1:1", ledger="127.0.0.1:1", quote="127.0.0.1:1", token="t", give_up_seconds=0.1) as client:
        try:
            await client.place("alpha/main", "ACME", bourse_sdk.Side.BUY, 1, 1)
        except bourse_sdk.OutcomeUnknown:
            print("alone")

asyncio.run(use())
"""


def test_it_needs_nothing_of_the_services() -> None:
    """It works where only grpcio, protobuf, googleapis-common-protos and the stubs can be imported."""
    done = subprocess.run([sys.executable, "-I", "-c", ALONE], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "alone\n", done.stderr


async def test_a_command_carries_its_callers_span() -> None:
    """With a span current, its context travels in the command; without one, nothing does."""
    exchange, tracer = Exchange(), TracerProvider().get_tracer("test")
    order = Place("alpha/main", SYMBOL, Side.BUY, 7, 10_000)
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        await client.submit(order)
        with tracer.start_as_current_span("trade") as span:
            await client.submit(order)
    trace_id = f"{span.get_span_context().trace_id:032x}"
    assert exchange.traces[0] == ""
    assert exchange.traces[1].split("-")[1] == trace_id


@given(st.integers(-INT64_MAX, INT64_MAX))
def test_money_survives_text(amount_e4: int) -> None:
    """Text for people and integers for machines are the same amount."""
    assert e4(decimal_text(amount_e4)) == amount_e4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nan", "is not a finite number"),
        ("-inf", "is not a finite number"),
        ("cheap", "is not a number"),
        ("1.00001", "has more than 4 decimals"),
        ("1e30", "is too large"),
        ("1e999999", "is too large"),
        ("1e99999999999999999999", "is not a number"),
        ("922337203685477.5808", "is too large"),
        ("-922337203685477.5808", "is too large"),
        ("1.0000000000000000000000000000000001", "has more than 4 decimals"),
        ("100.00000000000000000000000000001", "has more than 4 decimals"),
        ("0.99999999999999999999999999999999", "has more than 4 decimals"),
        ("1e-999999", "has more than 4 decimals"),
        ("1e-1000100", "has more than 4 decimals"),
    ],
)
def test_text_that_is_no_amount_is_refused(text: str, said: str) -> None:
    """By a ValueError that says what is wrong with it."""
    with pytest.raises(ValueError, match=said):
        e4(text)


@pytest.mark.parametrize(
    ("text", "amount_e4"),
    [
        ("922337203685477.5807", INT64_MAX),
        ("1." + "0" * 100, 10_000),
        ("0" * 100 + "1.5", 15_000),
        ("0e99", 0),
        ("-0.0001", -1),
    ],
)
def test_many_digits_are_taken_exactly(text: str, amount_e4: int) -> None:
    """Also where the caller's decimals are rounded to few digits."""
    with localcontext(prec=3):
        assert e4(text) == amount_e4
