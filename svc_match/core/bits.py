"""The machine's own words for what Python says in several: `bits.pxd` is this file where the core is compiled."""

from svc_match.core.layout import FEE_SCALE

INT64_MAX = (1 << 63) - 1


def words(view: memoryview) -> memoryview:
    """The int64 words of a pool, by index."""
    return view.cast("B").cast("q")


def halves(view: memoryview) -> memoryview:
    """The same pool by int32."""
    return view.cast("B").cast("i")


def masks(view: memoryview) -> memoryview:
    """The same pool by unsigned 64-bit words."""
    return view.cast("B").cast("Q")


def bit(number: int) -> int:
    """The word with one bit set."""
    return 1 << number


def first_bit(word: int) -> int:
    """The number of the lowest bit that is set in a word that is not 0."""
    return (word & -word).bit_length() - 1


def last_bit(word: int) -> int:
    """The number of the highest bit that is set in a word that is not 0."""
    return word.bit_length() - 1


def share(price: int, reciprocal: int) -> int:
    """price * reciprocal / 2**62: the tick of a price that is a multiple of the tick size, and 0 <= price < 2**62."""
    return price * reciprocal >> 62


def fee_of(amount: int, fee: int) -> int:
    """`fee` millionths of an amount, rounded down."""
    return amount * fee // FEE_SCALE


def worst(price: int, quantity: int, fee: int) -> int:
    """The most that some shares can cost, the fee rounded up; -1 where it exceeds int64. Nothing is negative."""
    amount = price * quantity
    amount -= -amount * fee // FEE_SCALE
    return amount if amount <= INT64_MAX else -1


def covers(side: int, held: int, highest: int, price: int, quantity: int, fee: int) -> bool:
    """Whether what is held is enough for an order of shares at a limit, with `highest` the price that it was held at."""
    if side == 1:
        return quantity <= held
    return 0 <= worst(highest, quantity, fee) <= held and highest >= price


def affordable(left: int, price: int, fee: int) -> int:
    """How many shares an amount pays at a price, with the fee rounded down."""
    return ((left + 1) * FEE_SCALE - 1) // (price * (FEE_SCALE + fee))


def cost(price: int, quantity: int, fee: int) -> int:
    """What some shares cost, with the fee rounded down."""
    return price * (FEE_SCALE + fee) * quantity // FEE_SCALE


def ahead(_words: memoryview, _place: int) -> None:
    """Asks for a word of memory that is read soon."""


def ahead_half(_halves: memoryview, _place: int) -> None:
    """Asks for half a word of memory that is read soon."""


def put(one: memoryview, place: int, other: memoryview, there: int, which: int, value: int) -> None:
    """Writes into one of two pools: the first where `which` is not 0."""
    if which:
        one[place] = value
    else:
        other[there] = value
