"""Prices and amounts: decimal text for people, integers in 1/10 000 of the currency unit everywhere else."""

from decimal import Context, Decimal, Inexact, InvalidOperation

SCALE = 10_000
INT64_MAX = 2**63 - 1
LARGEST = Decimal(INT64_MAX) / SCALE
EXACT = Context(prec=32, traps=[Inexact])  # Whatever has more digits than these is no amount, and is told so.


def e4(text: str | int | Decimal) -> int:
    """`text` ("95.80") in 1/10 000 of the unit, exactly. ValueError when it is no number, has more than 4 decimals, or leaves int64."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    if value and value.adjusted() > LARGEST.adjusted():
        raise ValueError(f"{text!r} is too large")
    try:
        scaled = int(EXACT.to_integral_exact(EXACT.multiply(value, SCALE)))
    except Inexact:
        raise ValueError(f"{text!r} has more than 4 decimals") from None
    if abs(scaled) > INT64_MAX:
        raise ValueError(f"{text!r} is too large")
    return scaled


def decimal_text(value_e4: int) -> str:
    """`value_e4` as text with 2 to 4 decimals: 958000 is "95.80", 1 is "0.0001"."""
    whole, part = divmod(abs(value_e4), SCALE)
    decimals = f"{part:04d}".rstrip("0").ljust(2, "0")
    return f"{'-' if value_e4 < 0 else ''}{whole}.{decimals}"
