"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

POLL_SECONDS = 0.01
PATIENCE_SECONDS = 60.0  # What comes on a machine that does much else comes within it; what has come is not waited for.
T = TypeVar("T")


def eventually(condition: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """The condition's first true value; AssertionError when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(POLL_SECONDS)
    return value
