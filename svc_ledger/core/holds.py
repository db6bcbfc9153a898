"""Holds: what an order could cost at worst, kept aside until the journal says what became of it.

A command's identity is (trading_date, account, client_order_id). Its first request makes attempt 1; only an expired hold
gets a new attempt, with the same digest. A hold that failed for funds is the final answer for its identity.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from chassis.units import DIGEST_BYTES, EXCHANGE_ACCOUNTS, FEE_SCALE, INT64_MAX, MAX_SHARD, worst

CLIENT_ORDER_ID_LIMIT = 36
LAST_DATE = 99991231
ROUNDING_E4 = 1  # Fills that are not settled yet may round the fee up once more than what is known says.

Identity: TypeAlias = tuple[int, str, str]
Key: TypeAlias = tuple[str, str]


class State(IntEnum):
    """State of a hold; the numbers are the wire's and the table's."""

    PENDING = 1
    BOUND = 2
    ENDED = 3
    EXPIRED = 4
    FAILED = 5
    REUSED = 6
    NOT_NEEDED = 7
    REFUSED = 8


# What may follow a stored state. REUSED, NOT_NEEDED and REFUSED are answers only.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PENDING: frozenset({State.BOUND, State.ENDED, State.EXPIRED}),
    State.BOUND: frozenset({State.ENDED}),
    State.ENDED: frozenset(),
    State.EXPIRED: frozenset(),
    State.FAILED: frozenset(),
}


LIVE = (State.PENDING, State.BOUND)


class Refused(NamedTuple):
    """Why there is no hold: a reason for programs, a sentence, and what was wrong."""

    reason: str
    message: str
    metadata: dict[str, str]


class HoldRequest(NamedTuple):
    """What svc_order asks for; prices and amounts in 1/10 000, `held_fee_e6` in millionths.

    A replace asks as for a buy, and names the `symbol`, in case that its order sells: see `_like_its_order`.
    """

    trading_date: int
    account: str
    client_order_id: str
    digest: bytes
    shard: int
    asset: str
    quantity: int
    held_price_e4: int
    held_fee_e6: int
    amount_e4: int
    replace: bool
    order_id: int
    original_client_order_id: str
    symbol: str = ""
    fixed_price: bool = False


@dataclass(slots=True)
class Hold:
    """A hold as stored: a pending transfer of `remaining` (of the first `amount`) whose credit side is not yet named.

    A buy by price has `price_e4` > 0; a buy by amount or a sell has 0. `by_amount` tells those two apart. Of an order with
    `fixed_price` a replace's own price says nothing about what it may come to pay: until it is triggered that is `price_e4`.
    """

    hold_id: int
    key: Key
    trading_date: int
    client_order_id: str
    attempt: int
    digest: bytes
    shard: int
    state: State
    deadline_us: int
    amount: int
    remaining: int
    price_e4: int
    fee_e6: int
    by_amount: bool
    order_id: int
    quantity: int
    executed: int
    fixed_price: bool = False

    def become(self, state: State) -> None:
        """Goes on to a state that may follow; any other is a bug."""
        assert state in TRANSITIONS[self.state], (
            f"hold {self.hold_id} is {self.state.name}, which {state.name} never follows"
        )
        self.state = state


class HoldResult(NamedTuple):
    """The answer to one request."""

    state: State
    hold_id: int = 0
    attempt: int = 0
    deadline_us: int = 0
    held_amount: int = 0
    held_price_e4: int = 0
    held_fee_e6: int = 0
    refused: Refused | None = None


@dataclass(slots=True)
class Known:
    """What a batch is decided over: balances are locked, holds are the newest attempt of each identity.

    `available` has an entry for each ledger account that exists, `deadlines` one for each shard that
    is settled: a new hold for another is refused alone, so one shard that stopped spoils no batch.
    """

    accounts: Collection[str]
    assets: Collection[str]
    available: dict[Key, int]
    newest: dict[Identity, Hold]
    orders: dict[int, Hold]
    deadlines: Mapping[int, int]
    earlier: dict[tuple[str, str], Hold] = field(default_factory=dict)  # of orders from other dates, by account and id
    made: list[Hold] = field(default_factory=list)


def decide(requests: list[HoldRequest], known: Known, hold_ids: Iterator[int]) -> list[HoldResult]:
    """One result a request, in order; new rows are in `known.made`, what they take is off `known.available`."""
    results = []
    newest = known.newest
    for request in requests:
        identity = (request.trading_date, request.account, request.client_order_id)
        hold = newest.get(identity)
        if hold is not None and (hold.state is not State.EXPIRED or hold.digest != request.digest):
            results.append(_known(hold, request))
        else:
            results.append(_new(request, known, hold, hold_ids))
    return results


def _known(hold: Hold, request: HoldRequest) -> HoldResult:
    if hold.digest != request.digest:
        value = request.client_order_id
        metadata = {"field": "client_order_id", "value": value, "fix": "use a new id for a new command"}
        why = Refused("CLIENT_ORDER_ID_REUSED", f"{value} was used for a command with other fields", metadata)
        return HoldResult(State.REUSED, refused=why)
    return _result(hold)


def _result(hold: Hold) -> HoldResult:
    failed = hold.state is State.FAILED
    return HoldResult(
        hold.state,
        hold.hold_id,
        hold.attempt,
        hold.deadline_us,
        0 if failed else hold.amount,
        hold.price_e4,
        hold.fee_e6,
        _short(hold) if failed else None,
    )


def _new(request: HoldRequest, known: Known, before: Hold | None, hold_ids: Iterator[int]) -> HoldResult:
    if request.shard not in known.deadlines:
        return HoldResult(State.REFUSED, refused=_stopped(request.shard))
    refused = _refusal(request, known)
    if refused is not None:
        return HoldResult(State.REFUSED, refused=refused)
    if request.replace:
        order = _order(request, known)
        if order is None:
            return HoldResult(State.REFUSED, refused=_order_unknown(request))
        request = _like_its_order(request, order)
        needed = _replace_needs(request, order)
    else:
        needed = _place_needs(request)
    if needed <= 0:
        return HoldResult(State.NOT_NEEDED, held_price_e4=request.held_price_e4, held_fee_e6=request.held_fee_e6)
    if needed > INT64_MAX:
        return HoldResult(State.REFUSED, refused=_too_large(request))
    key = (request.account, request.asset)
    available = known.available.get(key, 0)
    enough = needed <= available
    if enough:
        known.available[key] = available - needed
    hold = _made(request, key, needed, enough, before, known.deadlines[request.shard], next(hold_ids))
    known.made.append(hold)
    known.newest[request.trading_date, request.account, request.client_order_id] = hold
    return _result(hold)


def _made(
    request: HoldRequest, key: Key, amount: int, enough: bool, before: Hold | None, deadline_us: int, hold_id: int
) -> Hold:
    return Hold(
        hold_id,
        key,
        request.trading_date,
        request.client_order_id,
        1 if before is None else before.attempt + 1,
        request.digest,
        request.shard,
        State.PENDING if enough else State.FAILED,
        deadline_us,
        amount,
        amount if enough else 0,
        request.held_price_e4,
        request.held_fee_e6,
        request.amount_e4 > 0,
        0,
        request.quantity,
        0,
        request.fixed_price,
    )


def _place_needs(request: HoldRequest) -> int:
    if request.held_price_e4:
        return worst(request.held_price_e4, request.quantity, request.held_fee_e6)
    return request.amount_e4 or request.quantity


def _order(request: HoldRequest, known: Known) -> Hold | None:
    """The hold of the order to be replaced. Until its acceptance is settled only its name finds it."""
    order = known.orders.get(request.order_id) if request.order_id else None
    if order is None and request.original_client_order_id:
        order = known.newest.get((request.trading_date, request.account, request.original_client_order_id))
        if order is None or order.state not in LIVE:
            order = known.earlier.get((request.account, request.original_client_order_id), order)
    if order is None or order.key[0] != request.account or order.key[1] not in (request.asset, request.symbol):
        return None
    return order


def _like_its_order(request: HoldRequest, order: Hold) -> HoldRequest:
    """A replace holds what its order does: money at the replace's price, or at the order's where that is fixed, or shares."""
    if order.key[1] == request.asset:
        return request._replace(held_price_e4=order.price_e4) if order.fixed_price else request
    return request._replace(asset=request.symbol, held_price_e4=0, held_fee_e6=0)


def _replace_needs(request: HoldRequest, order: Hold) -> int:
    """What the order's own hold, as far as it is settled, does not cover of the new worst cost; 0 or less when it covers it all.

    What is held too much is released on Replaced; if it is too little after all, the core rejects the replace on record.
    """
    remainder = request.quantity - order.executed
    if order.state not in LIVE or order.by_amount or remainder <= 0:
        return 0  # the core rejects it on record
    if not order.price_e4:
        return remainder - order.remaining
    more = worst(request.held_price_e4, remainder, request.held_fee_e6) - order.remaining
    return more + ROUNDING_E4 if more > 0 else 0


def _refusal(request: HoldRequest, known: Known) -> Refused | None:
    if (
        request.account in known.accounts
        and not request.account.startswith(EXCHANGE_ACCOUNTS)
        and request.asset in known.assets
        and len(request.digest) == DIGEST_BYTES
        and 0 < len(request.client_order_id) <= CLIENT_ORDER_ID_LIMIT
        and request.client_order_id.isascii()
        and request.client_order_id.isprintable()
        and 0 < request.trading_date <= LAST_DATE
        and 0 <= request.shard <= MAX_SHARD
        and request.quantity > 0
        and request.held_price_e4 >= 0
        and 0 <= request.held_fee_e6 <= FEE_SCALE
        and request.amount_e4 >= 0
    ):
        return None
    return _why_refused(request, known)


def _why_refused(request: HoldRequest, known: Known) -> Refused | None:
    if request.account not in known.accounts or request.account.startswith(EXCHANGE_ACCOUNTS):
        return _refused("ACCOUNT_UNKNOWN", "account", request.account, "no such account", "ask the exchange for one")
    if request.asset not in known.assets:
        return _refused("ASSET_UNKNOWN", "asset", request.asset, "no such asset", "use a currency or a listed symbol")
    if len(request.digest) != DIGEST_BYTES:
        value = request.digest.hex()
        return _refused("HOLD_INVALID", "digest", value, "not a digest", f"send {DIGEST_BYTES} bytes")
    if not request.client_order_id.isascii() or not request.client_order_id.isprintable():
        value = ascii(request.client_order_id)
        return _refused("HOLD_INVALID", "client_order_id", value, "not printable ASCII", "send printable ASCII")
    for name, number, low, high in (
        ("client_order_id", len(request.client_order_id), 1, CLIENT_ORDER_ID_LIMIT),
        ("trading_date", request.trading_date, 1, LAST_DATE),
        ("shard", request.shard, 0, MAX_SHARD),
        ("quantity", request.quantity, 1, INT64_MAX),
        ("held_price_e4", request.held_price_e4, 0, INT64_MAX),
        ("held_fee_e6", request.held_fee_e6, 0, FEE_SCALE),
        ("amount_e4", request.amount_e4, 0, INT64_MAX),
    ):
        if not low <= number <= high:
            return _refused("HOLD_INVALID", name, str(number), f"{name} is out of range", f"send {low} to {high}")
    return None


def _refused(reason: str, name: str, value: str, why: str, fix: str) -> Refused:
    return Refused(reason, f"{name} {value!r}: {why}", {"field": name, "value": value, "fix": fix})


def _order_unknown(request: HoldRequest) -> Refused:
    name, value = "order_id", str(request.order_id)
    if not request.order_id:
        name, value = "original_client_order_id", request.original_client_order_id
    return _refused(
        "ORDER_UNKNOWN", name, value, "no order is held for under it", "wait for its acceptance, or correct it"
    )


def _stopped(shard: int) -> Refused:
    metadata = {"field": "shard", "value": str(shard), "fix": "ask the exchange; send again when it is settled again"}
    return Refused("SETTLEMENT_STOPPED", f"settlement of shard {shard} has stopped", metadata)


def _too_large(request: HoldRequest) -> Refused:
    value = f"{request.held_price_e4} x {request.quantity}"
    return _refused("NOTIONAL_OVERFLOW", "quantity", value, "it is worth more than int64 holds", "send a smaller order")


def _short(hold: Hold) -> Refused:
    """From what is stored alone: a repeat gets the same answer."""
    account, asset = hold.key
    fix = "deposit more, or send less, under a new id"
    metadata = {
        "field": "quantity",
        "value": str(hold.quantity),
        "asset": asset,
        "needed": str(hold.amount),
        "fix": fix,
    }
    return Refused("FUNDS_INSUFFICIENT", f"{account} has not enough {asset}: {hold.amount} is needed", metadata)
