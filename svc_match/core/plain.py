# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""A batch of plain commands (record.py) executed without a Python object for each: what engine.py does to any command, in the
same order. Others among them are handed to it. The events stay packed in the books. `plain.pxd` gives the types of C.
"""

from struct import Struct
from typing import Any, NamedTuple

from svc_match.core import books, octets
from svc_match.core import layout as w
from svc_match.core import record as r
from svc_match.core.commands import Cancel, Order, Place, Replace
from svc_match.core.events import EarlierDate, Late, Reason, Refused, Repeat
from svc_match.core.identity import IDENTITY_LIMIT, IdentityTable

assert (not __file__.endswith(".py")) == books.COMPILED, "the core is compiled as a whole or not at all: run make setup"

RECORD = Struct("<22q")


class Executed(NamedTuple):
    """What plain commands did. `results` has nothing for a command that is on record: its first event is its result."""

    first_sequence: int
    last_sequence: int
    trading_date: int
    results: list[Any]
    identities: bytes


def execute(engine: Any, commands: list[Any], time_us: int, events_limit: int) -> Executed:
    """Executes commands until `events_limit` is reached, where nothing is due; one result each for those that were. What is
    not plain among them is an order command in words, or refused already, in the field `command`.
    """
    assert not engine.is_due(time_us), "what is due is done the general way"
    packed = engine.packed
    identities = engine.identities
    accounts, numbers = engine.accounts, engine.numbers
    last_date, trading_date, shard = engine.last_date, engine.trading_date, engine.shard
    first = packed.sequence + 1
    room = IDENTITY_LIMIT
    restricted = bool(engine.restrictions)
    engine.begin(time_us, events_limit)
    results: list[Any] = []
    for number in range(len(commands)):
        if packed.sequence >= packed.full:
            break
        packed.allow()
        item = commands[number]
        if type(item) is not bytes:
            results.append(_in_general(engine, item.command, time_us, number))
            continue
        command = item
        c = octets.words(command)
        p = octets.octets(command)
        if c[r.R_DATE] != last_date:
            results.append(EarlierDate(c[r.R_DATE], _wide(c[r.R_KEY], c[r.R_KEY + 1]), _bytes(command, r.R_DIGEST)))
            continue
        place = identities.seek(c[r.R_KEY], c[r.R_KEY + 1])
        if place >= 0:
            if identities.same(place, c[r.R_DIGEST], c[r.R_DIGEST + 1]):
                results.append(Repeat(identities.sequence(place)))
            else:
                results.append(_refused(Reason.CLIENT_ORDER_ID_REUSED, "client_order_id", command, r.R_OWN_ID))
            continue
        if trading_date == 0:
            results.append(Refused(Reason.TRADING_DATE_WRONG, "trading_date", str(c[r.R_DATE])))
            continue
        if identities.count >= room:
            results.append(_refused(Reason.IDENTITY_LIMIT, "client_order_id", command, r.R_OWN_ID))
            continue
        if c[r.R_DEADLINE] != 0 and time_us > c[r.R_DEADLINE]:
            results.append(Late())
            continue
        sequence = packed.sequence + 1
        head = c[r.R_HEAD]
        kind = head & 255
        account = octets.text(p, c[r.R_ACCOUNT] & 0xFFFFFFFF, c[r.R_ACCOUNT] >> 32)
        if restricted and kind != w.CANCEL:
            reason = engine.refusal(account)
            if reason:
                engine.refuse(reason, 0 if kind == w.PLACE else _named(packed, identities, c), number, kind == w.PLACE)
                identities.remember(
                    c[r.R_KEY], c[r.R_KEY + 1], c[r.R_DIGEST], c[r.R_DIGEST + 1], sequence, False, identities.checksum(account)
                )  # fmt: skip
                results.append(None)
                continue
        found = accounts.get(account)
        owner = r.R_NO_ACCOUNT
        if found is not None:
            owner = found
        elif kind == w.PLACE:
            owner = engine.name(account)
        if c[r.R_SYMBOL] != 0:
            found = numbers.get(octets.text(p, c[r.R_SYMBOL] & 0xFFFFFFFF, c[r.R_SYMBOL] >> 32))
            book = 0 if kind == w.PLACE else r.R_NO_BOOK
            if found is not None:
                book = found
            head |= book << 32
        accepted = False
        if kind == w.PLACE:
            owner |= c[r.R_FEE] << 32
            done = packed.execute(
                head,
                owner,
                c[r.R_PRICE],
                c[r.R_QUANTITY],
                c[r.R_AMOUNT],
                c[r.R_HELD_PRICE],
                c[r.R_HELD_AMOUNT],
                0,
                number,
            )
            accepted = done == w.ACCEPTED
        else:
            identity = _named(packed, identities, c)
            if kind == w.CANCEL:
                done = packed.execute(head, owner, 0, 0, 0, 0, 0, identity, number)
            else:
                owner |= c[r.R_FEE] << 32
                extra = c[r.R_HELD_AMOUNT]
                done = packed.execute(head, owner, c[r.R_PRICE], c[r.R_QUANTITY], 0, 0, extra, identity, number)
            unknown = done == (w.REJECTED | w.ORDER_UNKNOWN << 8) and not packed.is_open(identity)
            if unknown and identity >> 48 == shard and identities.accepted(identity & w.SEQUENCE, account):
                packed.amend(w.ORDER_FINISHED)
        identities.remember(
            c[r.R_KEY],
            c[r.R_KEY + 1],
            c[r.R_DIGEST],
            c[r.R_DIGEST + 1],
            sequence,
            accepted,
            identities.checksum(account),
        )
        results.append(None)
    if packed.interrupted:
        engine.interrupted()
    return Executed(first, packed.sequence, trading_date, results, identities.taken())


def _named(packed: books.Books, identities: IdentityTable, c: memoryview) -> int:
    """The order that a change names, by what the journal knows; 0 if it knows none."""
    if c[r.R_ORDER] == 0 and c[r.R_ORIGINAL] != 0:
        place = identities.seek(c[r.R_ORIGINAL_KEY], c[r.R_ORIGINAL_KEY + 1])
        if place >= 0 and identities.was_accepted(place):
            return packed.identity_base | identities.sequence(place)
    return c[r.R_ORDER]


def _in_general(engine: Any, command: Order | Refused, time_us: int, number: int) -> Any:
    return command if isinstance(command, Refused) else engine.order(command, time_us, number)


def in_words(command: bytes) -> Place | Cancel | Replace:
    """A plain command as the general way has it."""
    (
        head, trading_date, deadline_us, hold_id, held_amount, held_price_e4, held_fee_e6, price_e4, quantity, amount_e4,
        order_id, high, low, _, _, original_high, original_low, account, own_id, symbol, original, _,
    ) = RECORD.unpack_from(command)  # fmt: skip
    common = (
        _text(command, account), _text(command, own_id), trading_date, _wide(high, low), _bytes(command, r.R_DIGEST),
        deadline_us, hold_id,
    )  # fmt: skip
    kind = head & 255
    if kind == w.PLACE:
        return Place(
            *common, held_amount, held_price_e4, held_fee_e6, _text(command, symbol), (head >> 8 & 255) + 1, head >> 16 & 255,
            head >> 24 & 255, price_e4, quantity, amount_e4,
        )  # fmt: skip
    original_key = _wide(original_high, original_low) if original else 0
    named = (order_id, _text(command, original), original_key, _text(command, symbol))
    if kind == w.CANCEL:
        return Cancel(*common, *named)
    return Replace(*common, *named, held_amount, held_fee_e6, price_e4, quantity)


def text(command: bytes, place: int) -> str:
    """A text of a plain command, by the word that says where it is."""
    return _text(command, int.from_bytes(command[8 * place : 8 * place + 8], "little"))


def _text(command: bytes, where: int) -> str:
    start = where & 0xFFFFFFFF
    return str(command[start : start + (where >> 32)], "ascii")


def _wide(high: int, low: int) -> int:
    return (int(high) & (1 << 64) - 1) << 64 | int(low) & (1 << 64) - 1


def _bytes(command: bytes, place: int) -> bytes:
    """Two words of a record as the 16 bytes that they were read from."""
    return command[8 * place : 8 * place + 8][::-1] + command[8 * place + 8 : 8 * place + 16][::-1]


def _refused(reason: Reason, field: str, command: bytes, place: int) -> Refused:
    return Refused(reason, field, text(command, place))
