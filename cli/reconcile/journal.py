"""What must be true, folded from a shard's private events: orders, postings, positions, holds and books."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any

from google.protobuf.message import Message

from bourse.match.v1 import events_pb2
from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis.units import order_id as order_id_of
from chassis.units import sequence_of, worst
from cli.reconcile.breaks import Breaks
from cli.reconcile.digests import Digests, digest
from cli.reconcile.dropcopy import DONE_BY_RULE, Told, owner, refusal_in_full

FEES = "exchange/fees"
SOURCE = "journal"
TERMS = (
    *("stop_price_e4", "stop_trigger", "display_quantity", "hidden", "post_only", "minimum_quantity"),
    *("self_trade_prevention", "trailing_amount_e4", "trailing_bp", "stop_limit_price_e4"),
    *("peg", "peg_offset_e4", "expire_date", "expire_time_us", "lease"),
)
ORDER_FIELDS = (
    *("participant", "account", "client_order_id", "trading_date", "symbol", "side", "type", "time_in_force"),
    *("price_e4", "quantity", "executed_quantity", "open_quantity", "executed_amount_e4", "fees_e4", "state"),
    *("create_time_us", "update_time_us", "last_sequence", "refusal", *TERMS, "triggered", "done_reason"),
)
POSTING_FIELDS = ("debit_account", "credit_account", "asset", "amount", "kind")
REFERENCE_FIELDS = ("kind", "encoded")
PUBLIC_TRADE_FIELDS = ("symbol", "price_e4", "quantity", "taker_side", "auction", "time_us")
BUY = market_pb2.SIDE_BUY
UNPRICED = (command_pb2.ORDER_TYPE_MARKET, command_pb2.ORDER_TYPE_MARKET_TO_LIMIT)
AT_CLOSE = command_pb2.TIME_IN_FORCE_AT_CLOSE
CLOSING = market_pb2.AUCTION_KIND_CLOSING
STOPS = (command_pb2.ORDER_TYPE_STOP, command_pb2.ORDER_TYPE_STOP_LIMIT)
LASTING = (command_pb2.TIME_IN_FORCE_GTC, command_pb2.TIME_IN_FORCE_GTD)
terms_of = attrgetter(*TERMS)
NO_TERMS = terms_of(order_pb2.Order())

Posting = tuple[str, str, str, int, str]
Busted = tuple[int, int, int]  # shares, what they cost, their fees
Book = dict[tuple[int, int], tuple[int, int]]  # (side, price_e4) -> (shares, orders)


class OpenOrder:
    """An order that is not finished; fields as in bourse.order.v1.Order and in the events."""

    __slots__ = (
        *(
            "account",
            "client_order_id",
            "trading_date",
            "symbol",
            "side",
            "type",
            "time_in_force",
            "price_e4",
            "quantity",
        ),
        *("executed_quantity", "open_quantity", "executed_amount_e4", "fees_e4"),
        *("create_time_us", "update_time_us", "last_sequence"),
        *("held_price_e4", "held_fee_e6", "held_amount_e4", "lease", "quote"),
        *("terms", "display_quantity", "hidden", "waits", "pairs", "pegged", "priced", "peak", "triggered"),
        "expire_date",
    )

    def __init__(self, event: events_pb2.OrderAccepted, trading_date: int, time_us: int, sequence: int) -> None:
        self.account = event.account
        self.client_order_id = event.client_order_id
        self.trading_date = trading_date
        self.symbol = event.symbol
        self.side = event.side
        self.type = event.type
        self.time_in_force = event.time_in_force
        self.price_e4 = event.price_e4
        self.quantity = self.open_quantity = event.quantity
        self.executed_quantity = self.executed_amount_e4 = self.fees_e4 = 0
        self.create_time_us = self.update_time_us = time_us
        self.last_sequence = sequence
        self.held_price_e4 = event.held_price_e4
        self.held_fee_e6 = event.held_fee_e6
        self.held_amount_e4 = event.amount_e4
        self.expire_date = event.expire_date
        self.display_quantity, self.hidden = event.display_quantity, event.hidden
        self.terms = terms_of(event)
        self.lease = event.lease
        self.quote = False
        self.pegged = event.type == command_pb2.ORDER_TYPE_PEGGED
        self.waits = event.type in STOPS or self.pegged
        self.pairs = event.type == command_pb2.ORDER_TYPE_ONE_CANCELS_OTHER  # Stands, until it is a stop.
        # It has a place at a price; else it stands in front of all, or for later.
        self.priced = event.type not in UNPRICED
        self.triggered = False
        self.peak = 0  # Of an iceberg: what it displays.
        self.refresh()

    def outlives(self, trading_date: int) -> bool:
        """Whether it stands on when the date has closed."""
        if self.time_in_force == command_pb2.TIME_IN_FORCE_GTD and self.expire_date:
            return self.expire_date > trading_date
        return self.time_in_force in LASTING

    def refresh(self) -> None:
        """An iceberg displays a new peak."""
        if self.display_quantity:
            self.peak = min(self.display_quantity, self.open_quantity)

    def restatable(self, quantity: int) -> int:
        """Why the exchange may change the order so that it has this total quantity."""
        if quantity < self.quantity:
            return events_pb2.RESTATE_REASON_SELF_TRADE
        if self.pegged:
            return events_pb2.RESTATE_REASON_PEGGED
        if self.waits or self.pairs:
            return events_pb2.RESTATE_REASON_TRIGGERED
        if self.type == command_pb2.ORDER_TYPE_MARKET_TO_LIMIT:
            return events_pb2.RESTATE_REASON_MARKET_TO_LIMIT
        return events_pb2.RESTATE_REASON_SLID

    def shrink(self) -> None:
        """An iceberg keeps its peak, as far as so much is open."""
        self.peak = min(self.peak, self.open_quantity)

    @property
    def displayed(self) -> int:
        """The shares that are in the public book."""
        if self.hidden or self.waits or not self.priced:
            return 0
        return self.peak if self.display_quantity else self.open_quantity

    @property
    def held(self) -> int:
        """What the ledger must hold for it: shares for a sell, money for a buy."""
        if self.side != BUY:
            return self.open_quantity
        if self.held_amount_e4:
            return self.held_amount_e4 - self.executed_amount_e4 - self.fees_e4
        return worst(self.held_price_e4, self.open_quantity, self.held_fee_e6)

    def view(self, state: int, done_reason: int = 0) -> tuple[Any, ...]:
        """ORDER_FIELDS, as the history must show them."""
        return (
            *(owner(self.account), self.account, self.client_order_id, self.trading_date, self.symbol, self.side),
            *(self.type, self.time_in_force, self.price_e4, self.quantity, self.executed_quantity, self.open_quantity),
            *(self.executed_amount_e4, self.fees_e4, state),
            *(self.create_time_us, self.update_time_us, self.last_sequence, ()),
            *(*self.terms, self.triggered, done_reason),
        )


class Fold:
    """The state of one shard after the event `sequence`."""

    def __init__(self, shard: int, breaks: Breaks, keep: frozenset[int] = frozenset()) -> None:
        self.shard = shard
        self.breaks = breaks
        self.sequence = 0
        self.time_us = 0
        self.incarnation = ""
        self.trading_date = 0
        self.open: dict[int, OpenOrder] = {}
        self.finished = Digests(keep)  # Final orders, by the sequence in their order_id.
        self.trades = Digests()  # Each trade as it was told.
        self.postings = Digests(keep)  # What each trade must post, by its sequence.
        self.tape = Digests(keep)  # What the public must see of each trade,
        self.references = Digests(keep)  # and of instruments, phases and dates.
        self.told = Told(keep)
        self.positions: defaultdict[tuple[str, str], int] = defaultdict(int)  # (account, asset) -> received in trades
        self.currencies: dict[str, str] = {}
        self.auctions: dict[str, int] = {}  # Of each instrument what its auction is for, 0 where there is none.
        self.bands: dict[str, events_pb2.PriceBandsChanged] = {}
        self.counts: Counter[str] = Counter()
        self.busts: dict[int, Busted] = {}  # Of each order that has some.
        self._busted: set[int] = set()  # Trades, by sequence.
        self.killed: set[str] = set()
        self._quoting = "", "", 0  # Account and id of the last mass quote, and how many of its sides are to come.
        self._batch: events_pb2.ExecutionBatch | None = None
        self._apply: dict[str, Callable[[int, Any], None]] = {
            "tick": self._nothing,
            "order_rate_set": self._nothing,
            "date_opened": self._date_opened,
            "date_closed": self._date_closed,
            "instrument_added": self._instrument_added,
            "instrument_changed": partial(self._refer, "instrument_changed"),
            "listing_changed": partial(self._refer, "listing_changed"),
            "phase_changed": self._phase_changed,
            "calendar_moved": partial(self._refer, "calendar_moved"),
            "schedule_missed": partial(self._refer, "schedule_missed"),
            "price_bands_changed": self._banded,
            "accepted": self._accepted,
            "rejected": self._rejected,
            "trade": self._trade,
            "busted": self._bust,
            "replaced": self._replaced,
            "restated": self._restated,
            "mass_cancelled": self._mass_cancelled,
            "mass_quoted": self._mass_quoted,
            "maker_protected": self._maker_protected,
            "lease_changed": self._lease_changed,
            "participant_killed": self._killed,
            "participant_released": self._released,
            "done": self._done,
        }

    def apply(self, batch: events_pb2.ExecutionBatch, through: int) -> None:
        """Applies the events of `batch` that are behind `sequence`, `through` at most."""
        if batch is not self._batch:
            self._check(batch)
            self._batch = batch
        first, date_before = batch.first_sequence, self.trading_date
        last = min(batch.last_sequence, first + len(batch.events) - 1, through)
        for digests in (self.finished, self.trades, self.postings, self.tape, self.references, self.told.digests):
            digests.reach(last)
        handlers, events = self._apply, batch.events
        for sequence in range(max(first, self.sequence + 1), last + 1):
            event = events[sequence - first]
            kind = event.WhichOneof("event") or "nothing"
            if (handler := handlers.get(kind)) is None:
                self._contradiction(sequence, kind, "an event of a known kind")
            else:
                happened = getattr(event, kind)
                handler(sequence, happened)
                self.told.tell(sequence, self.time_us, kind, happened)
        if batch.trading_date not in (date_before, self.trading_date) and last == batch.last_sequence:
            self._contradiction(last, {"trading_date": batch.trading_date}, {"trading_date": self.trading_date})
        self.sequence = max(self.sequence, last)

    def orders(self) -> Digests:
        """Every order at `sequence`, as the history must show it."""
        orders = self.finished.copy(self.sequence)
        for order_id, order in self.open.items():
            orders.put(sequence_of(order_id), order.view(order_pb2.ORDER_STATE_OPEN))
        return orders

    def books(self) -> dict[str, Book]:
        """What the open orders display by price: what the public books must be at the end of a journal row."""
        books: dict[str, Book] = {symbol: {} for symbol in self.currencies}
        for order in self.open.values():
            if displayed := order.displayed:
                book = books.setdefault(order.symbol, {})
                quantity, orders = book.get((order.side, order.price_e4), (0, 0))
                book[order.side, order.price_e4] = quantity + displayed, orders + 1
        return books

    def _check(self, batch: events_pb2.ExecutionBatch) -> None:
        """The batch is the next one of this shard and incarnation, whole, and not older than the one before it."""
        expected = {
            "shard": self.shard,
            "first_sequence": self.sequence + 1,
            "last_sequence": batch.first_sequence + len(batch.events) - 1,
            "incarnation": self.incarnation or batch.incarnation,
            "time_us": max(self.time_us, batch.time_us),
        }
        found = {name: getattr(batch, name) for name in expected}
        if found != expected:
            wrong = [name for name in expected if found[name] != expected[name]]
            left, right = {n: found[n] for n in wrong}, {n: expected[n] for n in wrong}
            self.breaks.add(
                "sequence", self.shard, (SOURCE, left), ("what came before", right), sequence=batch.first_sequence
            )
        self.time_us, self.incarnation = batch.time_us, batch.incarnation

    def _open(self, sequence: int, order_id: int, says: str) -> OpenOrder | None:
        """The open order that an event acts on; that there is none contradicts it."""
        order = self.open.get(order_id)
        if order is None:
            self._contradiction(sequence, says, "no open order", order_id=order_id)
        return order

    def _contradiction(self, sequence: int, says: object, expected: object, **where: int | str) -> None:
        left, right = (SOURCE, says), ("the events before it", expected)
        self.breaks.add("event", self.shard, left, right, sequence=sequence, **where)

    def _nothing(self, _sequence: int, _event: object) -> None:
        pass

    def _date_opened(self, sequence: int, event: events_pb2.TradingDateOpened) -> None:
        self.trading_date = event.trading_date
        self._refer("date_opened", sequence, event)

    def _date_closed(self, sequence: int, event: events_pb2.TradingDateClosed) -> None:
        left = sum(not order.outlives(event.trading_date) for order in self.open.values())
        if event.trading_date != self.trading_date or left:
            expected = {"trading_date": self.trading_date, "orders_of_the_date": 0}
            says = {"trading_date": event.trading_date, "orders_of_the_date": left}
            self._contradiction(sequence, says, expected)
        self.trading_date = 0
        self._refer("date_closed", sequence, event)

    def _instrument_added(self, sequence: int, event: events_pb2.InstrumentAdded) -> None:
        self.currencies[event.instrument.symbol] = event.instrument.currency
        self._refer("instrument_added", sequence, event)

    def _phase_changed(self, sequence: int, event: events_pb2.PhaseChanged) -> None:
        """What waits for the closing auction takes its place when that begins; price bands hold no more."""
        self.bands.pop(event.symbol, None)
        self.auctions[event.symbol] = event.auction
        if event.auction == CLOSING:
            for order in self.open.values():
                if order.time_in_force == AT_CLOSE and order.symbol == event.symbol:
                    order.priced = order.type not in UNPRICED
        self._refer("phase_changed", sequence, event)

    def _banded(self, sequence: int, event: events_pb2.PriceBandsChanged) -> None:
        self.bands[event.symbol] = event
        self._refer("price_bands_changed", sequence, event)

    def _refer(self, kind: str, sequence: int, event: Message) -> None:
        """A shard's dates are made public by its instruments: where there is none they are not."""
        if self.currencies:
            self.references.put(sequence, (kind, event.SerializeToString(deterministic=True).hex()))

    def _accepted(self, sequence: int, event: events_pb2.OrderAccepted) -> None:
        self.counts["orders"] += 1
        order_id = order_id_of(self.shard, sequence)
        if event.order_id != order_id:
            self._contradiction(sequence, event.order_id, order_id)
        if self.killed and owner(event.account) in self.killed:
            self._contradiction(sequence, "accepted", "no order of a participant that is stopped")
        bound_e4 = event.stop_limit_price_e4 or event.price_e4
        if event.side == BUY and event.held_price_e4 != bound_e4:
            self._contradiction(sequence, {"held_price_e4": event.held_price_e4}, {"held_price_e4": bound_e4})
        order = self.open[order_id] = OpenOrder(event, self.trading_date, self.time_us, sequence)
        order.quote = self._is_side(event)
        if event.time_in_force == AT_CLOSE and self.auctions.get(event.symbol) != CLOSING:
            order.priced = False

    def _rejected(self, sequence: int, event: events_pb2.CommandRejected) -> None:
        self.counts["rejected"] += 1
        if event.kind != events_pb2.COMMAND_KIND_PLACE:
            return
        unknown = (0,) * 8  # A rejected order's terms are not in its event.
        times = self.time_us, self.time_us, sequence
        identity = owner(event.account), event.account, event.client_order_id, self.trading_date, event.symbol
        state, why = order_pb2.ORDER_STATE_REJECTED, refusal_in_full(event.refusal)
        self.finished.put(sequence, (*identity, *unknown, 0, state, *times, why, *NO_TERMS, False, 0))

    def _trade(self, sequence: int, trade: events_pb2.Trade) -> None:
        self.counts["trades"] += 1
        symbol, price_e4, quantity = trade.symbol, trade.price_e4, trade.quantity
        maker_fee_e4, taker_fee_e4 = trade.maker_fee_e4, trade.taker_fee_e4
        self.counts["shares"] += quantity
        maker = self._fill(sequence, trade.maker_order_id, price_e4, quantity, maker_fee_e4, trade.maker_open_quantity)
        taker = self._fill(sequence, trade.taker_order_id, price_e4, quantity, taker_fee_e4, trade.taker_open_quantity)
        bands = self.bands.get(symbol)
        if bands is not None and not bands.lower_price_e4 <= price_e4 <= bands.upper_price_e4:
            within = f"within {bands.lower_price_e4} to {bands.upper_price_e4}"
            self._contradiction(sequence, {"price_e4": price_e4}, {"price_e4": within})
        if trade.auction:
            for order in (maker, taker):
                if order is not None:
                    order.shrink()  # It trades all that it has in its place.
        else:
            if maker is not None and maker.display_quantity:
                self._show_less(sequence, trade.maker_order_id, maker, quantity)
            if taker is not None:
                taker.refresh()
        self.trades.put(sequence, (trade.SerializeToString(deterministic=True),))
        self.tape.put(sequence, (symbol, price_e4, quantity, trade.taker_side, trade.auction, self.time_us))
        for posting in self._called_for(trade):
            self._post(sequence, posting)

    def _called_for(self, trade: events_pb2.Trade) -> list[Posting]:
        buyer, seller = (trade.taker_account, trade.taker_fee_e4), (trade.maker_account, trade.maker_fee_e4)
        if trade.taker_side != BUY:
            buyer, seller = seller, buyer
        currency, cost_e4 = self.currencies.get(trade.symbol, ""), trade.price_e4 * trade.quantity
        return postings(buyer, seller, trade.symbol, currency, cost_e4, trade.quantity)

    def _post(self, sequence: int, posting: Posting) -> None:
        self.counts["postings"] += 1
        self.postings.add(sequence, posting)
        debit, credit, asset, amount, _ = posting
        self.positions[debit, asset] -= amount
        self.positions[credit, asset] += amount

    def _bust(self, sequence: int, event: events_pb2.TradeBusted) -> None:
        """What the trade moved goes back; it is made public. The orders stay as they are, and are told so."""
        self.counts["busts"] += 1
        trade, busted = event.trade, sequence_of(event.trade_id)
        told = digest((trade.SerializeToString(deterministic=True),))
        if busted >= sequence or busted in self._busted or told != self.trades.flat[busted]:
            self._contradiction(sequence, {"trade_id": event.trade_id}, "such a trade, not busted before")
            return
        self._busted.add(busted)
        for debit, credit, asset, amount, _ in self._called_for(trade):
            self._post(busted, (credit, debit, asset, amount, "bust"))
        for order_id, fee_e4 in (
            (trade.maker_order_id, trade.maker_fee_e4),
            (trade.taker_order_id, trade.taker_fee_e4),
        ):
            shares, amount_e4, fees_e4 = self.busts.get(order_id, (0, 0, 0))
            amount_e4 += trade.price_e4 * trade.quantity
            self.busts[order_id] = shares + trade.quantity, amount_e4, fees_e4 + fee_e4
        public = events_pb2.PublicTradeBusted(
            trade_sequence=busted, price_e4=trade.price_e4, quantity=trade.quantity, taker_side=trade.taker_side
        )
        self._refer("busted", sequence, public)

    def _fill(
        self, sequence: int, order_id: int, price_e4: int, quantity: int, fee_e4: int, open_quantity: int
    ) -> OpenOrder | None:
        order = self._open(sequence, order_id, "a trade")
        if order is None:
            return None
        order.executed_quantity += quantity
        order.open_quantity -= quantity
        order.executed_amount_e4 += price_e4 * quantity
        order.fees_e4 += fee_e4
        order.update_time_us = self.time_us
        order.last_sequence = sequence
        if order.open_quantity != open_quantity:
            self._contradiction(sequence, open_quantity, order.open_quantity, order_id=order_id)
        return order

    def _show_less(self, sequence: int, order_id: int, iceberg: OpenOrder, quantity: int) -> None:
        """A trade takes of the peak alone; when that is used up there is a new one."""
        if quantity > iceberg.peak:
            self._contradiction(sequence, {"quantity": quantity}, {"displayed": iceberg.peak}, order_id=order_id)
        iceberg.peak -= quantity
        if iceberg.peak <= 0:
            iceberg.refresh()

    def _replaced(self, sequence: int, event: events_pb2.OrderReplaced) -> None:
        self.counts["replaced"] += 1
        order = self._open(sequence, event.order_id, "a replace")
        if order is None:
            return
        if order.quote and not self._is_side(event):
            self._contradiction(sequence, "replaced", "a quote, which a mass quote alone replaces")
        keeps_priority = event.price_e4 == order.price_e4 and event.quantity < order.quantity
        self._change(sequence, order, event)
        order.waits = order.waits or order.pegged
        if keeps_priority:
            order.shrink()
        else:
            order.refresh()

    def _restated(self, sequence: int, event: events_pb2.OrderRestated) -> None:
        self.counts["restated"] += 1
        order = self._open(sequence, event.order_id, "a restatement")
        if order is None:
            return
        called_for = order.restatable(event.quantity)
        if event.reason != called_for and not self._is_at_band(order, event):
            self._contradiction(sequence, event.reason, called_for, order_id=event.order_id)
        if event.reason == events_pb2.RESTATE_REASON_TRIGGERED:
            order.waits, order.pairs, order.triggered = False, False, True
        elif order.pegged:
            order.waits = event.price_e4 == 0
        order.priced = order.priced or event.reason == events_pb2.RESTATE_REASON_MARKET_TO_LIMIT
        self._change(sequence, order, event)
        order.shrink()

    def _is_at_band(self, order: OpenOrder, event: events_pb2.OrderRestated) -> bool:
        """Whether what was left of a LIMIT order beyond a price band stands at the band from now on."""
        bands = self.bands.get(order.symbol)
        if event.reason != events_pb2.RESTATE_REASON_PRICE_BAND or bands is None or order.waits or order.pegged:
            return False
        band_e4 = bands.upper_price_e4 if order.side == BUY else bands.lower_price_e4
        beyond = order.price_e4 > band_e4 if order.side == BUY else order.price_e4 < band_e4
        return beyond and (event.price_e4, event.quantity) == (band_e4, order.quantity)

    def _change(
        self, sequence: int, order: OpenOrder, event: events_pb2.OrderReplaced | events_pb2.OrderRestated
    ) -> None:
        order.price_e4 = event.price_e4
        order.quantity = event.quantity
        order.open_quantity = event.quantity - order.executed_quantity
        order.held_price_e4 = event.held_price_e4
        order.held_fee_e6 = event.held_fee_e6
        order.update_time_us = self.time_us
        order.last_sequence = sequence
        says = event.account, event.symbol, event.open_quantity
        expected = order.account, order.symbol, order.open_quantity
        if says != expected:
            self._contradiction(sequence, says, expected, order_id=event.order_id)

    def _mass_cancelled(self, sequence: int, event: events_pb2.MassCancelled) -> None:
        """As many orders as it says are open, and what it names."""
        ending = (
            owner(order.account) == event.participant
            and (event.participant_wide or order.account == event.account)
            and event.symbol in ("", order.symbol)
            and event.side in (0, order.side)
            for order in self.open.values()
        )
        self._end(sequence, "orders", event.orders, ending)

    def _mass_quoted(self, _sequence: int, event: events_pb2.MassQuoted) -> None:
        self._quoting = event.account, event.client_order_id, event.quotes

    def _is_side(self, event: events_pb2.OrderAccepted | events_pb2.OrderReplaced) -> bool:
        """Whether it is the next side of a mass quote."""
        account, name, left = self._quoting
        if not left or (account, name) != (event.account, event.client_order_id.rpartition("/")[0]):
            return False
        self._quoting = account, name, left - 1
        return True

    def _maker_protected(self, sequence: int, event: events_pb2.MakerProtected) -> None:
        """All of its quotes end."""
        ending = (order.quote and order.account == event.account for order in self.open.values())
        self._end(sequence, "quotes", event.quotes, ending)

    def _killed(self, sequence: int, event: events_pb2.ParticipantKilled) -> None:
        self.killed.add(event.participant)
        ending = (owner(order.account) == event.participant for order in self.open.values())
        self._end(sequence, "orders", event.orders, ending)

    def _lease_changed(self, sequence: int, event: events_pb2.LeaseChanged) -> None:
        """With one that is over all of its orders end."""
        if event.expire_time_us:
            return
        whose = event.participant, event.lease
        ending = ((owner(order.account), order.lease) == whose for order in self.open.values())
        self._end(sequence, "orders", event.orders, ending)

    def _end(self, sequence: int, name: str, says: int, ending: Iterable[bool]) -> None:
        """As many open orders end as the event says."""
        expected = sum(ending)
        if says != expected:
            self._contradiction(sequence, {name: says}, {name: expected})

    def _released(self, _sequence: int, event: events_pb2.ParticipantReleased) -> None:
        self.killed.discard(event.participant)

    def _done(self, sequence: int, event: events_pb2.OrderDone) -> None:
        order = self._open(sequence, event.order_id, "done")
        if order is None:
            return
        del self.open[event.order_id]
        says = event.account, event.symbol, event.executed_quantity, event.cancelled_quantity
        expected = order.account, order.symbol, order.executed_quantity, order.open_quantity
        if says != expected:
            self._contradiction(sequence, says, expected, order_id=event.order_id)
        self.counts["cancelled"] += event.reason == events_pb2.DONE_REASON_CANCELLED
        order.open_quantity = 0
        order.update_time_us = self.time_us
        order.last_sequence = sequence
        filled = event.reason == events_pb2.DONE_REASON_FILLED
        state = order_pb2.ORDER_STATE_FILLED if filled else order_pb2.ORDER_STATE_CANCELLED
        by_rule = event.reason if event.reason in DONE_BY_RULE else 0
        self.finished.put(sequence_of(event.order_id), order.view(state, by_rule))


def postings(
    buyer: tuple[str, int], seller: tuple[str, int], symbol: str, currency: str, cost_e4: int, quantity: int
) -> list[Posting]:
    """What a trade posts: cash and shares between two accounts, and each one's fee (the second of the pair)."""
    made: list[Posting] = []
    if buyer[0] != seller[0]:
        made.append((buyer[0], seller[0], currency, cost_e4, "trade"))
        made.append((seller[0], buyer[0], symbol, quantity, "trade"))
    made.extend((account, FEES, currency, fee_e4, "fee") for account, fee_e4 in (buyer, seller) if fee_e4)
    return made
