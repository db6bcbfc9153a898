"""What journal events do to holds and balances.

Accepted binds the hold that it names; a trade posts a part of each side's hold and releases what the rest no longer needs;
Replaced and Restated merge and release the excess; Rejected and Done release; a hold that is not bound is released after a batch
whose journal time is past its deadline; Busted moves a trade's money, shares and fees back, and touches no hold. After each event an
order's hold is exactly the worst cost of its remainder.
An event that does not fit what is held raises Unsettleable: nothing of its batch is settled.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from chassis.units import worst
from svc_ledger.core.holds import Hold, Key, State

FEES = "exchange/fees"
VAULT = "exchange/vault"  # the other side of deposits
COVER = "exchange/cover"  # lends what an account lacks when a trade is busted


class Kind:
    """Kinds of postings, as stored."""

    DEPOSIT = 1
    WITHDRAWAL = 2
    TRADE = 3
    FEE = 4
    TRANSFER = 5
    BUST = 6
    COVER = 7


KIND_NAMES = ("", "deposit", "withdrawal", "trade", "fee", "transfer", "bust", "cover")


class Accepted(NamedTuple):
    """An order was accepted under `hold_id`."""

    sequence: int
    order_id: int
    hold_id: int
    account: str
    quantity: int
    held_price_e4: int
    held_fee_e6: int


class Rejected(NamedTuple):
    """A command was rejected; `hold_id` is 0 if it had none."""

    sequence: int
    hold_id: int


class Trade(NamedTuple):
    """A fill; `trade_id` is shard << 48 | sequence."""

    sequence: int
    trade_id: int
    time_us: int
    symbol: str
    price_e4: int
    quantity: int
    buy_order_id: int
    sell_order_id: int
    buy_fee_e4: int
    sell_fee_e4: int
    buy_open: int
    sell_open: int


class Replaced(NamedTuple):
    """An order was replaced, or restated by the exchange, `triggered` where its stop price was reached; `hold_id` is the extra
    hold, 0 if none.
    """

    sequence: int
    order_id: int
    hold_id: int
    quantity: int
    open_quantity: int
    held_price_e4: int
    held_fee_e6: int
    triggered: bool = False


class Done(NamedTuple):
    """An order is finished."""

    sequence: int
    order_id: int


class Busted(NamedTuple):
    """A trade was busted; both accounts, and what each of them paid."""

    sequence: int
    trade_id: int
    time_us: int
    symbol: str
    price_e4: int
    quantity: int
    buyer: str
    seller: str
    buy_fee_e4: int
    sell_fee_e4: int


class Listed(NamedTuple):
    """An instrument was added."""

    sequence: int
    symbol: str
    currency: str


Event: TypeAlias = Accepted | Rejected | Trade | Replaced | Done | Listed | Busted


class Posting(NamedTuple):
    """One movement between two ledger accounts of an asset."""

    debit: Key
    credit: Key
    amount: int
    kind: int
    trade_id: int
    time_us: int


class Unsettleable(Exception):
    """The event at `sequence` does not fit the ledger: settlement of its shard stops, loudly."""

    def __init__(self, sequence: int, reason: str, message: str) -> None:
        super().__init__(f"event {sequence}: {message}")
        self.sequence = sequence
        self.reason = reason
        self.message = message


def needs(events: Iterable[Event]) -> tuple[list[int], list[int]]:
    """The hold ids and the order ids that `settle` must be handed: all that are named and not made among them."""
    hold_ids: set[int] = set()
    order_ids: set[int] = set()
    accepted: set[int] = set()
    for event in events:
        kind = type(event)
        if kind is Accepted:
            hold_ids.add(event.hold_id)  # type: ignore[union-attr]
            accepted.add(event.order_id)  # type: ignore[union-attr]
        elif kind is Trade:
            order_ids.add(event.buy_order_id)  # type: ignore[union-attr]
            order_ids.add(event.sell_order_id)  # type: ignore[union-attr]
        elif kind is not Listed and kind is not Busted:
            if kind is not Rejected:
                order_ids.add(event.order_id)  # type: ignore[union-attr]
            if kind is not Done:
                hold_ids.add(event.hold_id)  # type: ignore[union-attr]
    hold_ids.discard(0)
    return list(hold_ids), list(order_ids - accepted)


@dataclass(slots=True)
class Settlement:
    """Applies events to the holds that it was handed, and gathers what is to be written.

    `moved[key]` is what changes in a balance: [debits_pending, debits_posted, credits_posted].
    """

    shard: int
    holds: dict[int, Hold]
    orders: dict[int, Hold]
    currencies: dict[str, str]
    postings: list[Posting] = field(default_factory=list)
    moved: dict[Key, list[int]] = field(default_factory=dict)
    changed: dict[int, Hold] = field(default_factory=dict)
    listed: list[Listed] = field(default_factory=list)
    takes: dict[Key, Busted] = field(default_factory=dict)  # what busts take back from, and the last of them

    def settle(self, events: Iterable[Event]) -> None:
        """Applies the events in order."""
        for event in events:
            kind = type(event)
            if kind is Trade:
                self._trade(event)  # type: ignore[arg-type]
            elif kind is Accepted:
                self._accepted(event)  # type: ignore[arg-type]
            elif kind is Done:
                self._done(event)  # type: ignore[arg-type]
            elif kind is Rejected:
                self._rejected(event)  # type: ignore[arg-type]
            elif kind is Replaced:
                self._replaced(event)  # type: ignore[arg-type]
            elif kind is Busted:
                self._busted(event)  # type: ignore[arg-type]
            else:
                self._listed(event)  # type: ignore[arg-type]

    def expire(self, candidates: Iterable[Hold], time_us: int) -> int:
        """Releases those that are still pending though `time_us` is past their deadline; how many."""
        count = 0
        for candidate in candidates:
            hold = self.holds.get(candidate.hold_id, candidate)
            if hold.state is State.PENDING and time_us > hold.deadline_us:
                hold.become(State.EXPIRED)
                self._release(hold, 0)
                count += 1
        return count

    def _listed(self, event: Listed) -> None:
        self.currencies[event.symbol] = event.currency
        self.listed.append(event)

    def _accepted(self, event: Accepted) -> None:
        hold = self._pending(event.sequence, event.hold_id)
        if (
            hold.key[0] != event.account
            or hold.price_e4 != event.held_price_e4
            or hold.fee_e6 != event.held_fee_e6
            or hold.order_id
        ):
            raise Unsettleable(
                event.sequence, "HOLD_DIFFERS", f"hold {hold.hold_id} is not what order {event.order_id} names"
            )
        hold.become(State.BOUND)
        hold.order_id = event.order_id
        hold.quantity = event.quantity
        self.orders[event.order_id] = hold
        self.changed[hold.hold_id] = hold

    def _rejected(self, event: Rejected) -> None:
        if not event.hold_id:
            return
        hold = self.holds.get(event.hold_id)
        if hold is None:
            raise Unsettleable(event.sequence, "HOLD_UNKNOWN", f"hold {event.hold_id} is not on record")
        if hold.state is State.PENDING:
            hold.become(State.ENDED)
            self._release(hold, 0)
        elif hold.state is State.BOUND:
            raise Unsettleable(event.sequence, "HOLD_BOUND", f"hold {event.hold_id} is bound to order {hold.order_id}")

    def _done(self, event: Done) -> None:
        hold = self._order(event.sequence, event.order_id)
        hold.become(State.ENDED)
        self._release(hold, 0)

    def _replaced(self, event: Replaced) -> None:
        hold = self._order(event.sequence, event.order_id)
        if event.hold_id:
            extra = self._pending(event.sequence, event.hold_id)
            if extra.key != hold.key:
                raise Unsettleable(
                    event.sequence, "HOLD_DIFFERS", f"hold {extra.hold_id} is not of order {event.order_id}"
                )
            extra.become(State.BOUND)
            hold.remaining += extra.remaining
            extra.remaining = 0
            self.changed[extra.hold_id] = extra
        hold.price_e4 = event.held_price_e4
        hold.fee_e6 = event.held_fee_e6
        hold.quantity = event.quantity
        hold.fixed_price = hold.fixed_price and not event.triggered
        if hold.by_amount:
            stays = hold.remaining  # What is left of the amount may still be spent.
        else:
            stays = worst(hold.price_e4, event.open_quantity, hold.fee_e6) if hold.price_e4 else event.open_quantity
        if stays > hold.remaining:
            raise Unsettleable(
                event.sequence, "HOLD_TOO_SMALL", f"order {event.order_id} needs {stays} and holds {hold.remaining}"
            )
        self._release(hold, stays)

    def _trade(self, event: Trade) -> None:
        (sequence, trade_id, time_us, symbol, price_e4, quantity, buy_id, sell_id, buy_fee, sell_fee, _, sell_open) = (
            event
        )
        buy = self._order(sequence, buy_id)
        sell = self._order(sequence, sell_id)
        currency = self.currencies.get(symbol)
        if currency is None or buy.key[1] != currency or sell.key[1] != symbol:
            raise Unsettleable(
                sequence, "ASSET_DIFFERS", f"trade of {symbol} under holds of {buy.key[1]} and {sell.key[1]}"
            )
        cost = price_e4 * quantity
        spent = cost + buy_fee
        stays = buy.remaining - spent if buy.by_amount else worst(buy.price_e4, event.buy_open, buy.fee_e6)
        if stays < 0 or stays + spent > buy.remaining:
            raise Unsettleable(
                sequence, "HOLD_TOO_SMALL", f"order {buy_id} holds {buy.remaining}, not {spent} + {stays}"
            )
        if sell.remaining - quantity != sell_open:
            raise Unsettleable(
                sequence, "HOLD_DIFFERS", f"order {sell_id} holds {sell.remaining}, not {quantity} + {sell_open}"
            )
        buy.executed += quantity
        sell.executed += quantity
        self._release(buy, stays)
        self._release(sell, sell_open)
        buyer, seller = buy.key[0], sell.key[0]
        if buyer != seller:
            self._post(buy.key, (seller, currency), cost, Kind.TRADE, trade_id, time_us)
            self._post(sell.key, (buyer, symbol), quantity, Kind.TRADE, trade_id, time_us)
        if buy_fee:
            self._post(buy.key, (FEES, currency), buy_fee, Kind.FEE, trade_id, time_us)
        if sell_fee:
            self._post((seller, currency), (FEES, currency), sell_fee, Kind.FEE, trade_id, time_us)

    def _busted(self, event: Busted) -> None:
        _, trade_id, time_us, symbol, price_e4, quantity, buyer, seller, buy_fee, sell_fee = event
        currency = self.currencies.get(symbol)
        if currency is None:
            raise Unsettleable(event.sequence, "ASSET_DIFFERS", f"bust of a trade of {symbol}, which is not on record")
        legs = [((FEES, currency), (account, currency), fee) for account, fee in ((buyer, buy_fee), (seller, sell_fee))]
        if buyer != seller:
            legs.append(((seller, currency), (buyer, currency), price_e4 * quantity))
            legs.append(((buyer, symbol), (seller, symbol), quantity))
        for debit, credit, amount in legs:
            if amount:
                self._post(debit, credit, amount, Kind.BUST, trade_id, time_us)
                self.takes[debit] = event
                self._moved((COVER, debit[1]))

    def cover(self, available: Mapping[Key, int]) -> None:
        """Lends each account that busts took back from what it lacks, given what is available in each before the batch."""
        for key, event in self.takes.items():
            pending, debits, credits_ = self.moved[key]
            lacks = pending + debits - credits_ - available[key]
            if lacks > 0:
                self._post((COVER, key[1]), key, lacks, Kind.COVER, event.trade_id, event.time_us)

    def _pending(self, sequence: int, hold_id: int) -> Hold:
        hold = self.holds.get(hold_id)
        if hold is None or hold.state is not State.PENDING or hold.shard != self.shard:
            state = "not on record" if hold is None else f"{hold.state.name} on shard {hold.shard}"
            raise Unsettleable(sequence, "HOLD_NOT_PENDING", f"hold {hold_id} is {state}")
        return hold

    def _order(self, sequence: int, order_id: int) -> Hold:
        hold = self.orders.get(order_id)
        if hold is None or hold.state is not State.BOUND:
            state = "not on record" if hold is None else hold.state.name
            raise Unsettleable(sequence, "ORDER_NOT_HELD", f"the hold of order {order_id} is {state}")
        return hold

    def _release(self, hold: Hold, stays: int) -> None:
        """What the hold reserves beyond `stays` is free again (a posting may then take it)."""
        self._moved(hold.key)[0] -= hold.remaining - stays
        hold.remaining = stays
        self.changed[hold.hold_id] = hold

    def _post(self, debit: Key, credit: Key, amount: int, kind: int, trade_id: int, time_us: int) -> None:
        self.postings.append(Posting(debit, credit, amount, kind, trade_id, time_us))
        self._moved(debit)[1] += amount
        self._moved(credit)[2] += amount

    def _moved(self, key: Key) -> list[int]:
        moved = self.moved.get(key)
        if moved is None:
            moved = self.moved[key] = [0, 0, 0]
        return moved


def below_zero(available: Mapping[Key, int], moved: Mapping[Key, list[int]]) -> Key | None:
    """The first ledger account that `moved` would take below zero, given what is available in each. The one that lends may be."""
    for key, (pending, debits, credits_) in moved.items():
        if available[key] - pending - debits + credits_ < 0 and key[0] != COVER:
            return key
    return None
