"""A copy of the journal's messages is compared message by message."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from bourse.match.v1 import events_pb2
from cli.reconcile.alongside import Copy
from cli.reconcile.breaks import Breaks

MESSAGES = [
    events_pb2.ExecutionBatch(first_sequence=n, last_sequence=n, time_us=n).SerializeToString() for n in range(1, 7)
]
Change = Callable[[list[bytes]], list[bytes]]


async def each(messages: list[bytes]) -> AsyncGenerator[bytes, None]:
    for message in messages:
        yield message


async def compare(copied: list[bytes], kept_since_us: int = 0) -> Breaks:
    breaks, ended = Breaks(), asyncio.Event()
    copy = Copy(
        "EXEC_0", "message", 0, events_pb2.ExecutionBatch.FromString, each(copied), breaks, ended, kept_since_us
    )
    for message in MESSAGES:
        await copy.check(message, events_pb2.ExecutionBatch.FromString(message))
    await copy.finish()
    assert ended.is_set()
    return breaks


async def test_an_equal_copy_is_clean() -> None:
    """What has the journal's bytes in the journal's order is right; more behind the end is none of our business."""
    assert (await compare(MESSAGES)).kept == []
    later = events_pb2.ExecutionBatch(first_sequence=7, last_sequence=9).SerializeToString()
    assert (await compare([*MESSAGES, later])).kept == []


@pytest.mark.parametrize(
    ("change", "sequences"),
    [
        (lambda messages: messages[:2] + messages[3:], [3]),
        (lambda messages: messages[:1] + messages[4:], [2]),
        (lambda messages: messages[:4], [5]),
        (lambda messages: messages[4:], [1]),
        (lambda _: [], [1]),
        (lambda messages: messages[:3] + messages[2:], [3]),
        (lambda messages: messages + messages[1:2], [2]),
        (lambda messages: [*messages[:2], messages[2] + b"\x10\x07", *messages[3:]], [3]),
        (lambda messages: [*messages[:2], b"\xff", *messages[3:]], [3]),
        (lambda messages: [*messages[:2], messages[3], messages[2], *messages[4:]], [3, 3]),
        (lambda messages: messages[:1] + messages[2:4] + messages[5:], [2, 5]),
    ],
    ids=[
        "missing",
        "hole",
        "tail lost",
        "head lost",
        "empty",
        "repeated",
        "repeated behind the end",
        "changed",
        "garbage",
        "swapped",
        "two holes",
    ],
)
async def test_what_is_missing_repeated_or_changed_is_named(change: Change, sequences: list[int]) -> None:
    """Each difference is one break at its sequence; a range that is missing is one break."""
    breaks = await compare(change(MESSAGES))
    assert [found.where["sequence"] for found in breaks.kept] == sequences


async def test_a_missing_range_says_where_it_ends() -> None:
    """A break of many messages names the first and the last sequence, and how many they are."""
    (found,) = (await compare(MESSAGES[:1] + MESSAGES[5:])).kept
    assert found.left.value == {"first_sequence": 2, "last_sequence": 5, "messages": 4}
    assert found.right.value is None


async def test_a_stream_may_have_dropped_its_oldest_messages() -> None:
    """What is older than the stream's limits may be missing at its beginning, and nowhere else."""
    assert (await compare(MESSAGES[2:], kept_since_us=3)).kept == []
    assert len((await compare(MESSAGES[3:], kept_since_us=3)).kept) == 1
    assert len((await compare(MESSAGES[:1] + MESSAGES[2:], kept_since_us=3)).kept) == 1
