"""Integers that every service counts in: money, and order ids.

``price_e4`` and ``amount_e4`` are int64 in 1/10 000 of a currency unit; quantities are int64 shares.
"""

INT64_MAX = 2**63 - 1
PRICE_SCALE = 10_000

SEQUENCE_BITS = 48
MAX_SEQUENCE = 2**SEQUENCE_BITS - 1
MAX_SHARD = 2**15 - 1


def order_id(shard: int, sequence: int) -> int:
    """The id of the order whose Accepted or Rejected event is `sequence` of `shard`; fits int64, never 0."""
    if not 0 <= shard <= MAX_SHARD:
        raise ValueError(f"shard {shard} is outside 0..{MAX_SHARD}")
    if not 1 <= sequence <= MAX_SEQUENCE:
        raise ValueError(f"sequence {sequence} is outside 1..{MAX_SEQUENCE}")
    return shard << SEQUENCE_BITS | sequence


def shard_of(order_id: int) -> int:
    """The shard that gave `order_id`; the inverse of `order_id`."""
    return order_id >> SEQUENCE_BITS


def sequence_of(order_id: int) -> int:
    """The sequence of the event that gave `order_id`; the inverse of `order_id`."""
    return order_id & MAX_SEQUENCE
