"""The machine's own words for what Python says in several: `bits.pxd` is this file where the core is compiled."""


def first_bit(word: int) -> int:
    """The number of the lowest bit that is set in an unsigned 64-bit word, which is not 0."""
    word &= (1 << 64) - 1
    return (word & -word).bit_length() - 1


def last_bit(word: int) -> int:
    """The number of the highest bit that is set in an unsigned 64-bit word, which is not 0."""
    return (word & (1 << 64) - 1).bit_length() - 1


def product(one: int, other: int) -> int:
    """The product of two positive int64; -1 where it exceeds int64."""
    found = one * other
    return found if found < 1 << 63 else -1
