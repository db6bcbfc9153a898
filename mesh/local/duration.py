"""Durations, from Kubernetes' and Go's spelling (`1m30s`) to Envoy's (`90s`)."""

import re
from decimal import Decimal

UNITS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
    "us": Decimal("0.000001"),
    "ns": Decimal("0.000000001"),
}
PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|ns|h|m|s)")
WHOLE = re.compile(rf"(?:{PART.pattern})+")


def is_duration(value: object) -> bool:
    return isinstance(value, str) and WHOLE.fullmatch(value) is not None


def seconds(value: str) -> Decimal:
    """ValueError when it is no duration."""
    if not is_duration(value):
        raise ValueError(f"{value!r} is no duration, such as 1m30s or 250ms")
    return sum((Decimal(number) * UNITS[unit] for number, unit in PART.findall(value)), Decimal(0))


def duration(value: str) -> str:
    """`90s` for `1m30s`: what Envoy reads as a duration."""
    text = f"{seconds(value):f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "s"
