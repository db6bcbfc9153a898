"""A day of one shard in a few lines, told twice: by the journal and by what every service keeps of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import events_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis.units import fee, worst
from cli.reconcile import checks
from cli.reconcile.breaks import KINDS, Breaks
from cli.reconcile.exports import History, Ledger, Quotes
from cli.reconcile.feed import Feed
from cli.reconcile.journal import Fold

BUY, SELL = market_pb2.SIDE_BUY, market_pb2.SIDE_SELL
STOP_LIMIT = command_pb2.ORDER_TYPE_STOP_LIMIT
FEE_E6 = 500
DATE = 20260106
INCARNATION = "0" * 31 + "1"
ANN, BEN = "ann/main", "ben/main"


@dataclass
class Journal:
    """Writes events as svc_match does: one batch a command, one message of public events beside it."""

    sequence: int = 0
    batches: list[events_pb2.ExecutionBatch] = field(default_factory=list)
    public: list[events_pb2.MarketDataBatch] = field(default_factory=list)
    symbol_sequence: int = 0

    def write(self, *events: events_pb2.ExecutionEvent, public: tuple[events_pb2.MarketDataEvent, ...] = ()) -> int:
        """Appends a row; returns the sequence of its first event."""
        first, self.sequence = self.sequence + 1, self.sequence + len(events)
        row: dict[str, Any] = {
            "incarnation": INCARNATION,
            "epoch": 1,
            "first_sequence": first,
            "last_sequence": self.sequence,
        }
        row["time_us"] = 1_000 * first
        self.batches.append(events_pb2.ExecutionBatch(events=events, trading_date=DATE, **row))
        self.public.append(
            events_pb2.MarketDataBatch(
                **row,
                parts=1,
                symbol="ACME" if public else "",
                first_symbol_sequence=self.symbol_sequence + 1,
                events=public,
            )
        )
        self.symbol_sequence += len(public)
        return first

    def open(self) -> None:
        instrument = market_pb2.Instrument(symbol="ACME", currency="EUR", tick_size_e4=100, lot_size=1)
        added = events_pb2.InstrumentAdded(instrument=instrument)
        self.write(events_pb2.ExecutionEvent(date_opened=events_pb2.TradingDateOpened(trading_date=DATE)))
        self.write(
            events_pb2.ExecutionEvent(instrument_added=added),
            public=(events_pb2.MarketDataEvent(sequence=2, instrument_added=added),),
        )

    def accept(
        self,
        account: str,
        side: market_pb2.Side,
        price_e4: int,
        quantity: int,
        displayed: int,
        *changes: events_pb2.OrderRestated,
        **terms: Any,
    ) -> int:
        """An order that is restated so often, and then displays so many shares at its price in all; returns its id."""
        order_id = self.sequence + 1
        placed: dict[str, Any] = {
            "type": command_pb2.ORDER_TYPE_LIMIT,
            "time_in_force": command_pb2.TIME_IN_FORCE_DAY,
            "hold_id": order_id,
            "held_price_e4": price_e4 if side == BUY else 0,
            "held_fee_e6": FEE_E6 if side == BUY else 0,
            **terms,
        }
        accepted = events_pb2.OrderAccepted(
            order_id=order_id,
            account=account,
            client_order_id=f"c{order_id}",
            symbol="ACME",
            side=side,
            price_e4=price_e4,
            quantity=quantity,
            **placed,
        )
        self.write(
            events_pb2.ExecutionEvent(accepted=accepted),
            *(events_pb2.ExecutionEvent(restated=change) for change in changes),
            public=(
                level(self.sequence + 1 + len(changes), side, changes[-1].price_e4 if changes else price_e4, displayed),
            )
            * bool(displayed),
        )
        return order_id

    def hit(self, maker: int, account: str, price_e4: int, quantity: int, left: int) -> int:
        """A buy of `quantity` shares that the resting sell `maker` of Ben fills, of which `left` stay; the trade's sequence."""
        taker = self.sequence + 1
        fees = {"maker_fee_e4": fee(price_e4 * quantity, FEE_E6), "taker_fee_e4": fee(price_e4 * quantity, FEE_E6)}
        self.write(
            events_pb2.ExecutionEvent(
                accepted=events_pb2.OrderAccepted(
                    order_id=taker,
                    account=account,
                    client_order_id=f"c{taker}",
                    symbol="ACME",
                    side=BUY,
                    type=command_pb2.ORDER_TYPE_LIMIT,
                    time_in_force=command_pb2.TIME_IN_FORCE_DAY,
                    price_e4=price_e4,
                    quantity=quantity,
                    hold_id=taker,
                    held_price_e4=price_e4,
                    held_fee_e6=FEE_E6,
                )
            ),
            events_pb2.ExecutionEvent(
                trade=events_pb2.Trade(
                    symbol="ACME",
                    price_e4=price_e4,
                    quantity=quantity,
                    maker_order_id=maker,
                    taker_order_id=taker,
                    maker_account=BEN,
                    taker_account=account,
                    taker_side=BUY,
                    maker_open_quantity=left,
                    **fees,
                )
            ),
            events_pb2.ExecutionEvent(
                done=events_pb2.OrderDone(
                    symbol="ACME",
                    order_id=taker,
                    account=account,
                    reason=events_pb2.DONE_REASON_FILLED,
                    executed_quantity=quantity,
                )
            ),
            public=(
                events_pb2.MarketDataEvent(
                    sequence=taker + 1,
                    trade=events_pb2.PublicTrade(price_e4=price_e4, quantity=quantity, taker_side=BUY),
                ),
                level(taker + 2, SELL, price_e4, left),
            ),
        )
        return taker + 1

    def phase(self, phase: market_pb2.Phase, auction: market_pb2.AuctionKind) -> None:
        """The phase changes."""
        changed = events_pb2.PhaseChanged(symbol="ACME", phase=phase, auction=auction)
        public = events_pb2.MarketDataEvent(sequence=self.sequence + 1, phase_changed=changed)
        self.write(events_pb2.ExecutionEvent(phase_changed=changed), public=(public,))

    def uncross(self, maker: int, taker: int, quantity: int, left: int) -> None:
        """A trade of an auction at 10.05 between an order of Ben and a younger buy of Ann, which is filled then."""
        trade = events_pb2.Trade(symbol="ACME", price_e4=100_500, quantity=quantity, auction=True, taker_side=BUY)
        trade.maker_order_id, trade.maker_account, trade.maker_open_quantity = maker, BEN, left
        trade.taker_order_id, trade.taker_account = taker, ANN
        filled = events_pb2.OrderDone(order_id=taker, account=ANN, symbol="ACME", executed_quantity=quantity)
        filled.reason = events_pb2.DONE_REASON_FILLED
        public = events_pb2.PublicTrade(price_e4=100_500, quantity=quantity, taker_side=BUY, auction=True)
        self.write(
            events_pb2.ExecutionEvent(trade=trade),
            events_pb2.ExecutionEvent(done=filled),
            public=(events_pb2.MarketDataEvent(sequence=self.sequence + 1, trade=public),),
        )

    def bust(self, trade_sequence: int) -> int:
        """The trade, which is in the journal, is busted; the sequence of that."""
        batch = next(one for one in self.batches if one.first_sequence <= trade_sequence <= one.last_sequence)
        trade = batch.events[trade_sequence - batch.first_sequence].trade
        busted = events_pb2.TradeBusted(trade_id=trade_sequence, reason="an error", trade=trade)
        told = events_pb2.PublicTradeBusted(
            trade_sequence=trade_sequence, price_e4=trade.price_e4, quantity=trade.quantity, taker_side=trade.taker_side
        )
        public = events_pb2.MarketDataEvent(sequence=self.sequence + 1, busted=told)
        return self.write(events_pb2.ExecutionEvent(busted=busted), public=(public,))


def level(sequence: int, side: market_pb2.Side, price_e4: int, quantity: int) -> events_pb2.MarketDataEvent:
    changed = events_pb2.LevelChanged(side=side, price_e4=price_e4, quantity=quantity, orders=1 if quantity else 0)
    return events_pb2.MarketDataEvent(sequence=sequence, level=changed)


@dataclass
class Day:
    """Ben offers 100 at 10.00, Ann buys 40 of them, and 5, which is busted, and bids for 10 at 9.00. All services have it right.

    With terms: Ben offers 30 at 11.00, of which 12 show, and has a stop for 7 at 8.00; Ann bids for 5 at 9.50 unseen, and for 8
    at 10.00 without wanting to trade, so at 9.90.
    """

    journal: Journal = field(default_factory=Journal)
    ledger: ledger_pb2.ExportLedgerResponse = field(default_factory=ledger_pb2.ExportLedgerResponse)
    history: order_pb2.ExportOrdersResponse = field(default_factory=order_pb2.ExportOrdersResponse)
    quotes: quote_pb2.ExportQuotesResponse = field(default_factory=quote_pb2.ExportQuotesResponse)
    told: list[order_pb2.OrderUpdate] = field(default_factory=list)
    keep: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.journal.open()
        offer = self.journal.accept(BEN, SELL, 100_000, 100, 100)
        trade = self.journal.hit(offer, ANN, 100_000, 40, 60)
        error = self.journal.hit(offer, ANN, 100_000, 5, 55)
        bust = self.journal.bust(error)
        bid = self.journal.accept(ANN, BUY, 90_000, 10, 10)
        iceberg = self.journal.accept(BEN, SELL, 110_000, 30, 12, display_quantity=12)
        stop = self.journal.accept(BEN, SELL, 80_000, 7, 0, type=STOP_LIMIT, stop_price_e4=85_000, stop_trigger=1)
        unseen = self.journal.accept(ANN, BUY, 95_000, 5, 0, hidden=True, self_trade_prevention=2)
        change = events_pb2.OrderRestated(
            order_id=self.journal.sequence + 1,
            account=ANN,
            reason=events_pb2.RESTATE_REASON_SLID,
            symbol="ACME",
            price_e4=99_000,
            quantity=8,
            open_quantity=8,
            held_price_e4=99_000,
            held_fee_e6=FEE_E6,
        )
        slid = self.journal.accept(ANN, BUY, 100_000, 8, 8, change, post_only=command_pb2.POST_ONLY_SLIDE)
        position = market_pb2.ShardSequence(sequence=self.journal.sequence, incarnation=INCARNATION)
        for export in (self.ledger, self.history, self.quotes):
            export.sequences.append(position)
        bids = {bid: worst(90_000, 10, FEE_E6), unseen: worst(95_000, 5, FEE_E6), slid: worst(99_000, 8, FEE_E6)}
        self._settle({offer: 55, iceberg: 30, stop: 7}, bids, trade, error)
        self._record(offer, trade - 1, error - 1, bid)
        self._record_terms(iceberg, stop, unseen, slid)
        self.history.participants.extend(order.account.partition("/")[0] for order in self.history.orders)
        self._tell(offer, trade, error, bust, (bid, iceberg, stop, unseen, slid))
        self._quote(trade, error)

    def _settle(self, offers: dict[int, int], bids: dict[int, int], trade: int, error: int) -> None:
        cost, charged, held = 4_000_000, 2_000, sum(bids.values())
        wrong, back = 500_000, 250
        for debit, credit, asset, amount, kind, trade_id in (
            ("exchange/vault", ANN, "EUR", 10_000_000, "deposit", 0),
            ("exchange/vault", BEN, "ACME", 132, "deposit", 0),
            (ANN, BEN, "EUR", cost, "trade", trade),
            (BEN, ANN, "ACME", 40, "trade", trade),
            (ANN, "exchange/fees", "EUR", charged, "fee", trade),
            (BEN, "exchange/fees", "EUR", charged, "fee", trade),
            (ANN, BEN, "EUR", wrong, "trade", error),
            (BEN, ANN, "ACME", 5, "trade", error),
            (ANN, "exchange/fees", "EUR", back, "fee", error),
            (BEN, "exchange/fees", "EUR", back, "fee", error),
            (BEN, ANN, "EUR", wrong, "bust", error),
            (ANN, BEN, "ACME", 5, "bust", error),
            ("exchange/fees", ANN, "EUR", back, "bust", error),
            ("exchange/fees", BEN, "EUR", back, "bust", error),
        ):
            self.ledger.transfers.add(
                debit_account=debit, credit_account=credit, asset=asset, amount=amount, kind=kind, trade_id=trade_id
            )
        for account, asset, pending, debits, credits_posted in (
            (ANN, "EUR", held, cost + charged + wrong + back, 10_000_000 + wrong + back),
            (ANN, "ACME", 0, 5, 45),
            (BEN, "EUR", 0, charged + wrong + back, cost + wrong + back),
            (BEN, "ACME", 92, 45, 137),
            ("exchange/fees", "EUR", 0, 2 * back, 2 * charged + 2 * back),
            ("exchange/vault", "EUR", 0, 10_000_000, 0),
            ("exchange/vault", "ACME", 0, 132, 0),
        ):
            self.ledger.balances.add(
                account=account,
                asset=asset,
                debits_pending=pending,
                debits_posted=debits,
                credits_posted=credits_posted,
                available=credits_posted - debits - pending,
            )
        for account, asset, held_for in ((BEN, "ACME", offers), (ANN, "EUR", bids)):
            for order_id, amount in held_for.items():
                self.ledger.holds.add(hold_id=order_id, account=account, asset=asset, amount=amount, order_id=order_id)

    def _record(self, offer: int, taker: int, wrong: int, bid: int) -> None:
        common = {"trading_date": DATE, "symbol": "ACME", "type": 1, "time_in_force": 1}
        opened, filled = order_pb2.ORDER_STATE_OPEN, order_pb2.ORDER_STATE_FILLED
        for (
            order_id,
            account,
            side,
            price_e4,
            quantity,
            executed,
            still,
            amount,
            fees,
            state,
            updated,
            last,
            busted,
        ) in (
            (offer, BEN, SELL, 100_000, 100, 45, 55, 4_500_000, 2_250, opened, wrong, wrong + 1, 5),
            (taker, ANN, BUY, 100_000, 40, 40, 0, 4_000_000, 2_000, filled, taker, taker + 2, 0),
            (wrong, ANN, BUY, 100_000, 5, 5, 0, 500_000, 250, filled, wrong, wrong + 2, 5),
            (bid, ANN, BUY, 90_000, 10, 0, 10, 0, 0, opened, bid, bid, 0),
        ):
            self.history.orders.add(
                order_id=order_id,
                account=account,
                client_order_id=f"c{order_id}",
                side=side,
                price_e4=price_e4,
                quantity=quantity,
                executed_quantity=executed,
                open_quantity=still,
                executed_amount_e4=amount,
                fees_e4=fees,
                state=state,
                create_time_us=1_000 * order_id,
                update_time_us=1_000 * updated,
                last_sequence=last,
                busted_quantity=busted,
                busted_amount_e4=busted * 100_000,
                busted_fees_e4=busted * 50,
                **common,
            )

    def _record_terms(self, iceberg: int, stop: int, unseen: int, slid: int) -> None:
        for order_id, account, side, price_e4, quantity, terms in (
            (iceberg, BEN, SELL, 110_000, 30, {"display_quantity": 12}),
            (stop, BEN, SELL, 80_000, 7, {"type": STOP_LIMIT, "stop_price_e4": 85_000, "stop_trigger": 1}),
            (unseen, ANN, BUY, 95_000, 5, {"hidden": True, "self_trade_prevention": 2}),
            (slid, ANN, BUY, 99_000, 8, {"post_only": command_pb2.POST_ONLY_SLIDE}),
        ):
            fields: dict[str, Any] = {"trading_date": DATE, "symbol": "ACME", "type": 1, "time_in_force": 1, **terms}
            self.history.orders.add(
                order_id=order_id,
                account=account,
                client_order_id=f"c{order_id}",
                side=side,
                price_e4=price_e4,
                quantity=quantity,
                open_quantity=quantity,
                state=order_pb2.ORDER_STATE_OPEN,
                create_time_us=1_000 * order_id,
                update_time_us=1_000 * order_id,
                last_sequence=order_id + (order_id == slid),
                **fields,
            )

    def _tell(self, offer: int, trade: int, error: int, bust: int, later: tuple[int, ...]) -> None:
        placed = {order.order_id: order for order in self.history.orders}
        accepted = {order_id: self._accepted(placed[order_id]) for order_id in (offer, trade - 1, error - 1, *later)}
        slid = accepted[later[-1]]
        slid.price_e4 = 100_000
        restated = order_pb2.OrderUpdate()
        restated.CopyFrom(slid)
        restated.MergeFrom(order_pb2.OrderUpdate(sequence=slid.sequence + 1, kind=order_pb2.UPDATE_KIND_RESTATED))
        restated.MergeFrom(order_pb2.OrderUpdate(price_e4=99_000, restate_reason=events_pb2.RESTATE_REASON_SLID))
        restated.side = market_pb2.SIDE_UNSPECIFIED
        self.told = [
            *accepted.values(),
            *self._traded(offer, trade, 40, 60),
            *self._traded(offer, error, 5, 55),
            *self._busted(offer, error, bust),
            restated,
        ]
        self.told.sort(key=lambda update: update.sequence)
        self.store(*self.told)

    def _traded(self, offer: int, trade: int, quantity: int, left: int) -> list[order_pb2.OrderUpdate]:
        taker = trade - 1
        traded: dict[str, Any] = {"sequence": trade, "time_us": 1_000 * taker, "kind": order_pb2.UPDATE_KIND_TRADED}
        traded |= {"symbol": "ACME", "price_e4": 100_000, "quantity": quantity, "fee_e4": 50 * quantity}
        sold = {"order_id": offer, "account": BEN, "open_quantity": left, "maker": True, "side": SELL}
        bought = {"order_id": taker, "account": ANN, "client_order_id": f"c{taker}"}
        filled = {"sequence": trade + 1, "time_us": 1_000 * taker, "symbol": "ACME"}
        return [
            order_pb2.OrderUpdate(**traded, **sold),
            order_pb2.OrderUpdate(**traded, **bought, side=BUY),
            order_pb2.OrderUpdate(**filled, **bought, kind=order_pb2.UPDATE_KIND_FILLED),
        ]

    def _busted(self, offer: int, error: int, bust: int) -> list[order_pb2.OrderUpdate]:
        common: dict[str, Any] = {"sequence": bust, "time_us": 1_000 * bust, "kind": order_pb2.UPDATE_KIND_BUSTED}
        common |= {"symbol": "ACME", "price_e4": 100_000, "quantity": 5, "fee_e4": 250}
        common |= {"trade_sequence": error, "bust_reason": "an error"}
        return [
            order_pb2.OrderUpdate(order_id=offer, account=BEN, maker=True, side=SELL, **common),
            order_pb2.OrderUpdate(order_id=error - 1, account=ANN, side=BUY, **common),
        ]

    def _accepted(self, order: order_pb2.Order) -> order_pb2.OrderUpdate:
        update = order_pb2.OrderUpdate(sequence=order.order_id, order_id=order.order_id, open_quantity=order.quantity)
        for name in ("account", "client_order_id", "symbol", "side", "price_e4", "quantity"):
            setattr(update, name, getattr(order, name))
        update.time_us, update.kind = order.create_time_us, order_pb2.UPDATE_KIND_ACCEPTED
        return update

    def store(self, *updates: order_pb2.OrderUpdate) -> None:
        """The drop copy as it is stored: so many updates at most a row."""
        del self.history.copies[:]
        for participant in ("ann", "ben"):
            own = [update for update in updates if update.account.startswith(participant)]
            for begin in range(0, len(own), 3):
                part = own[begin : begin + 3]
                self.history.copies.add(
                    participant=participant,
                    first_sequence=part[0].sequence,
                    last_sequence=part[-1].sequence,
                    updates=order_pb2.WatchOrdersResponse(updates=part).SerializeToString(),
                )

    def _quote(self, trade: int, error: int) -> None:
        book = self.quotes.books.add(symbol="ACME")
        book.bids.add(price_e4=90_000, quantity=10, orders=1)
        book.bids.add(price_e4=99_000, quantity=8, orders=1)
        book.asks.add(price_e4=100_000, quantity=55, orders=1)
        book.asks.add(price_e4=110_000, quantity=12, orders=1)
        for sequence, number, quantity in ((trade, 3, 40), (error, 5, 5)):
            made = quote_pb2.Trade(sequence=sequence, symbol_sequence=number, price_e4=100_000, quantity=quantity)
            made.taker_side, made.time_us, made.busted = BUY, 1_000 * (sequence - 1), sequence == error
            self.quotes.trades.add(symbol="ACME", trade=made)

    def reconcile(self) -> Breaks:
        breaks, keep = Breaks(), {0: self.keep}
        fold, feed = Fold(0, breaks, self.keep), Feed(0, breaks, self.keep)
        ledger, history, quotes = Ledger(breaks, keep), History(breaks, keep), Quotes(breaks, keep, {"ACME": 0})
        ledger.add(self.ledger)
        history.add(self.history)
        quotes.add(self.quotes)
        for batch, public in zip(self.journal.batches, self.journal.public, strict=True):
            fold.apply(batch, self.journal.sequence)
            feed.apply(public)
        checks.complete(breaks, 0, "journal", fold.sequence, self.journal.sequence)
        checks.complete(breaks, 0, "market data", feed.sequence, self.journal.sequence)
        for export in (ledger, history, quotes):
            checks.position(breaks, export, 0, (self.journal.sequence, self.journal.sequence), INCARNATION)
        checks.trades(breaks, fold, ledger)
        checks.holds(breaks, fold, ledger)
        checks.orders(breaks, fold, history)
        checks.drop_copy(breaks, fold, history)
        checks.balances(breaks, [dict(fold.positions)], ledger)
        checks.public(breaks, fold, feed, fold.sequence)
        checks.quote_trades(breaks, feed, quotes, fold.sequence)
        checks.books(breaks, "feed_depth", 0, ("journal", fold.books()), ("market data", feed.books), fold.sequence)
        checks.books(breaks, "quote_depth", 0, ("market data", feed.books), ("svc_quote", quotes.books), fold.sequence)
        checks.auctions(breaks, feed, quotes, fold.sequence)
        return breaks


@pytest.fixture
def day() -> Day:
    return Day()


def test_a_right_day_is_clean(day: Day) -> None:
    """Where every service has it right there is no break."""
    assert day.reconcile().kept == []


def test_a_posting_that_is_missing_is_a_trade_with_both_sides(day: Day) -> None:
    """A deleted posting breaks its trade, the balance behind it, and shows what the trade calls for."""
    trade = day.ledger.transfers[2].trade_id
    del day.ledger.transfers[2]
    day.keep = frozenset({trade})
    breaks = day.reconcile()
    assert breaks.found == {"trade": 1, "posting": 2}
    (found,) = (found for found in breaks.kept if found.kind == "trade")
    assert found.where == {"sequence": trade}
    assert len(found.left.value) == 4
    assert len(found.right.value) == 3
    cash = {"debit_account": ANN, "credit_account": BEN, "asset": "EUR", "amount": 4_000_000, "kind": "trade"}
    assert cash in found.left.value
    assert cash not in found.right.value


def test_a_difference_is_found_by_digest_and_named_a_suspect(day: Day) -> None:
    """Without keeping values a differing trade is still found, and asks for a second look."""
    day.ledger.transfers[4].amount += 1
    breaks = day.reconcile()
    assert breaks.found["trade"] == 1
    assert breaks.suspects == {(0, day.ledger.transfers[4].trade_id)}


def test_a_posting_of_a_trade_that_never_was_is_a_break(day: Day) -> None:
    """The ledger may post for no trade behind its own cursor."""
    day.ledger.transfers[2].trade_id = 1_000
    assert day.reconcile().found["trade"] == 2  # The one that it lacks, and the one that never was.


@pytest.mark.parametrize("hold", [0, 1])
def test_a_wrong_hold_names_its_order(day: Day, hold: int) -> None:
    """A hold that is a unit too small is a break of its order and of the balance's pending sum."""
    day.ledger.holds[hold].amount -= 1
    breaks = day.reconcile()
    assert breaks.found == {"hold": 1, "pending": 1}
    assert breaks.kept[0].where == {"order_id": day.ledger.holds[hold].order_id}
    assert breaks.kept[0].left.value["amount"] == breaks.kept[0].right.value["amount"] + 1


def test_a_hold_that_outlives_its_deadline_is_a_break(day: Day) -> None:
    """A hold without an order is right up to its deadline in journal time, and wrong behind it."""
    day.ledger.holds.add(hold_id=3, account=ANN, asset="EUR", amount=5, deadline_us=day.journal.batches[-1].time_us)
    day.ledger.balances[0].debits_pending += 5
    day.ledger.balances[0].available -= 5
    assert day.reconcile().found == {}
    day.ledger.holds[-1].deadline_us -= 1
    assert day.reconcile().found == {"hold": 1}


def test_money_from_nowhere_is_found_thrice(day: Day) -> None:
    """A balance raised by hand is not what was paid in and traded, nor what was posted, nor conserved."""
    day.ledger.balances[0].credits_posted += 5
    day.ledger.balances[0].available += 5
    assert day.reconcile().found == {"balance": 1, "posting": 1, "conservation": 1}


def test_a_two_phase_transfer_is_pending_on_both_sides(day: Day) -> None:
    """What an operator reserves is no hold, and no break; what is pending beyond it is one."""
    day.ledger.balances[0].debits_pending += 5
    day.ledger.balances[0].available -= 5
    day.ledger.balances[2].credits_pending += 5
    assert day.reconcile().found == {}
    day.ledger.balances[2].credits_pending += 1
    assert day.reconcile().found == {"pending": 1}


def test_a_balance_below_what_it_holds_is_negative(day: Day) -> None:
    """No participant may hold what it has not."""
    day.ledger.balances[3].debits_posted += 1
    assert "negative" in day.reconcile().found


def test_a_changed_order_shows_the_field_that_differs(day: Day) -> None:
    """Of an order only what differs is shown."""
    order = day.history.orders[1]
    order.fees_e4 -= 1
    day.keep = frozenset({order.order_id})
    (found,) = day.reconcile().kept
    assert (found.kind, found.where) == ("order", {"order_id": order.order_id})
    assert (found.left.value, found.right.value) == ({"fees_e4": 2_000}, {"fees_e4": 1_999})


def test_an_order_that_history_lacks_is_a_break(day: Day) -> None:
    """An order that the history lacks has nothing on its right side."""
    del day.history.orders[1], day.history.participants[1]
    (found,) = day.reconcile().kept
    assert (found.kind, found.right.value) == ("order", None)


def test_an_order_of_another_participant_shows_both(day: Day) -> None:
    """Whose an order is is read off its account; a history that takes it for another's is a break."""
    day.history.participants[0] = "ann"
    day.keep = frozenset({day.history.orders[0].order_id})
    (found,) = day.reconcile().kept
    assert (found.kind, found.left.value, found.right.value) == (
        "order",
        {"participant": "ben"},
        {"participant": "ann"},
    )


def test_an_update_that_is_missing_or_told_twice_is_shown(day: Day) -> None:
    """A participant is told each event of its own orders once."""
    traded = next(update for update in day.told if update.kind == order_pb2.UPDATE_KIND_TRADED and update.maker)
    day.keep = frozenset({traded.sequence})
    for count in (0, 2):
        day.store(*(update for update in day.told for _ in range(count if update is traded else 1)))
        (found,) = day.reconcile().kept
        assert (found.kind, found.where) == ("drop_copy", {"sequence": traded.sequence})
        assert [told["participant"] for told in found.left.value] == ["ann", "ben"]
        assert [told["participant"] for told in found.right.value] == ["ann", *["ben"] * count]


def test_updates_are_told_in_order(day: Day) -> None:
    """An update outside of its row or behind a later one, and a row that begins before the last one ends, are breaks."""
    first, second, third, *rest = (update for update in day.told if update.account == ANN)
    others = [update for update in day.told if update.account == BEN]
    for told in ([first, third, second, *rest, *others], [second, first, third, *rest, *others], day.told[::-1]):
        day.store(*told)
        breaks = day.reconcile()
        assert set(breaks.found) == {"drop_copy"}
        assert any("participant" in found.where for found in breaks.kept)


def test_updates_that_cannot_be_read_are_a_break(day: Day) -> None:
    """A damaged row of the drop copy is named by its participant and last sequence, and what it held is missing."""
    row = day.history.copies[0]
    row.updates = row.updates[:-1]
    found, *missing = day.reconcile().kept
    assert (found.kind, found.where) == ("drop_copy", {"sequence": row.last_sequence, "participant": "ann"})
    assert len(missing) == 3


def test_a_row_of_the_drop_copy_is_of_sequences_and_updates_alone(day: Day) -> None:
    """Nothing else that is stored is told, as that a reader is to move; no sequence is below 1."""
    day.history.copies[0].updates += order_pb2.WatchOrdersResponse(draining=order_pb2.Draining()).SerializeToString()
    (found,) = day.reconcile().kept
    assert (found.kind, found.right.value["what"]) == ("drop_copy", {"other_bytes": 2})
    day.store(*day.told, order_pb2.OrderUpdate(sequence=-1, account=ANN))
    assert day.reconcile().found["drop_copy"] >= 1


def test_a_refusal_is_compared_in_full(day: Day) -> None:
    """Reason, message and metadata of a rejected order are those of its event, in the history and in the drop copy."""
    why = market_pb2.Refusal(reason="MARKET_CLOSED", message="closed", metadata={"field": "symbol"})
    day.journal.write(
        events_pb2.ExecutionEvent(
            rejected=events_pb2.CommandRejected(
                kind=events_pb2.COMMAND_KIND_PLACE, account=ANN, client_order_id="late", symbol="ACME", refusal=why
            )
        )
    )
    sequence = day.journal.sequence
    for export in (day.ledger, day.history, day.quotes):
        export.sequences[0].sequence = sequence
    identity = {"account": ANN, "client_order_id": "late", "symbol": "ACME", "refusal": why}
    rejected = {"order_id": sequence, "state": order_pb2.ORDER_STATE_REJECTED, "last_sequence": sequence, **identity}
    times = {"create_time_us": 1_000 * sequence, "update_time_us": 1_000 * sequence, "trading_date": DATE}
    day.history.orders.add(**rejected, **times)
    day.history.participants.append("ann")
    told = {"sequence": sequence, "time_us": 1_000 * sequence, "kind": order_pb2.UPDATE_KIND_REJECTED}
    day.store(*day.told, order_pb2.OrderUpdate(**told, **identity))
    assert day.reconcile().kept == []
    day.history.orders[-1].refusal.metadata["field"] = "price"
    assert day.reconcile().found == {"order": 1}


def test_the_tape_has_each_trade_once(day: Day) -> None:
    """A trade that is missing, or there twice, breaks the tape."""
    again = day.quotes.trades[0]
    day.quotes.trades.append(again)
    assert day.reconcile().found == {"quote_trade": 1}
    del day.quotes.trades[0], day.quotes.trades[1:]
    assert day.reconcile().found == {"quote_trade": 1}


def test_a_bust_is_of_a_trade_that_was_and_once(day: Day) -> None:
    """A second bust of a trade, and one of a trade that never was so, contradict the events before them."""
    (error,) = (trade.trade.sequence for trade in day.quotes.trades if trade.trade.busted)
    fold, breaks = folded(day.journal)
    assert (fold.counts["busts"], breaks.found) == (1, {})
    day.journal.bust(error)
    assert folded(day.journal)[1].found == {"event": 1}
    other = Day()
    other.journal.batches[5].events[0].busted.trade.quantity += 1
    assert folded(other.journal)[1].found == {"event": 1}


def test_what_the_exchange_lends_for_a_bust_comes_from_its_account(day: Day) -> None:
    """A balance is short of what a bust takes back: the exchange's account for that lends it, and no other."""
    lent = {"asset": "EUR", "amount": 7, "kind": "cover", "trade_id": day.quotes.trades[1].trade.sequence}
    day.ledger.transfers.add(debit_account="exchange/cover", credit_account=BEN, **lent)
    day.ledger.balances.add(account="exchange/cover", asset="EUR", debits_posted=7, available=-7)
    day.ledger.balances[2].credits_posted += 7
    day.ledger.balances[2].available += 7
    assert day.reconcile().found == {}
    day.ledger.transfers[-1].debit_account = day.ledger.balances[-1].account = "exchange/vaults"
    assert day.reconcile().found == {"posting": 1}


def test_a_wrong_level_names_symbol_side_and_price(day: Day) -> None:
    """A level of a book that differs is named, with both quantities."""
    day.quotes.books[0].bids[0].quantity = 11
    (found,) = day.reconcile().kept
    assert found.kind == "quote_depth"
    assert found.where == {"sequence": day.journal.sequence, "symbol": "ACME", "side": "buy", "price_e4": 90_000}
    assert (found.left.value["quantity"], found.right.value["quantity"]) == (10, 11)


def test_the_public_are_told_what_happened(day: Day) -> None:
    """A feed that differs from the private events is a break, though svc_quote follows it faithfully."""
    day.journal.public[3].events[0].trade.quantity = 41
    day.journal.public[4].events[1].level.quantity = 54
    day.quotes.trades[0].trade.quantity = 41
    day.quotes.books[0].asks[0].quantity = 54
    assert day.reconcile().found == {"feed_trade": 1, "feed_depth": 1}


def test_an_auction_trades_what_stands_and_what_is_not_displayed() -> None:
    """An iceberg with all that it has, a MARKET order that is in no depth, and one that waits for the closing auction: the books are
    what is displayed meanwhile.
    """
    journal, day = Journal(), market_pb2.AUCTION_KIND_CLOSING
    journal.open()
    auction, at_close = command_pb2.TIME_IN_FORCE_GOOD_FOR_AUCTION, command_pb2.TIME_IN_FORCE_AT_CLOSE
    iceberg = journal.accept(BEN, SELL, 100_000, 30, 12, display_quantity=12)
    late = journal.accept(ANN, BUY, 101_000, 25, 0, time_in_force=at_close)
    assert folded(journal)[0].books() == {"ACME": {(SELL, 100_000): (12, 1)}}
    journal.phase(market_pb2.PHASE_AUCTION, day)
    market = journal.accept(ANN, BUY, 102_000, 3, 0, type=command_pb2.ORDER_TYPE_MARKET, time_in_force=auction)
    books = {(SELL, 100_000): (12, 1), (BUY, 101_000): (25, 1)}
    assert folded(journal)[0].books() == {"ACME": books}
    journal.uncross(iceberg, market, 3, 27)
    journal.uncross(iceberg, late, 25, 2)
    fold, breaks = folded(journal)
    assert (breaks.found, fold.books()) == ({}, {"ACME": {(SELL, 100_000): (2, 1)}})
    assert fold.counts["trades"] == 2


def test_what_an_auction_would_do_is_compared(day: Day) -> None:
    """svc_quote shows it as it was told last, and for no instrument whose auction is over."""
    begun = events_pb2.PhaseChanged(
        symbol="ACME", phase=market_pb2.PHASE_AUCTION, auction=market_pb2.AUCTION_KIND_VOLATILITY
    )
    told = events_pb2.IndicativeChanged(price_e4=100_000, quantity=8, surplus_side=SELL, surplus_quantity=47)
    number = day.journal.sequence + 1
    day.journal.write(
        events_pb2.ExecutionEvent(phase_changed=begun),
        public=(
            events_pb2.MarketDataEvent(sequence=number, phase_changed=begun),
            events_pb2.MarketDataEvent(sequence=number, indicative=told),
        ),
    )
    for export in (day.ledger, day.history, day.quotes):
        export.sequences[0].sequence = number
    assert day.reconcile().found == {"quote_depth": 1}
    day.quotes.books[0].indicative.CopyFrom(quote_pb2.Indicative(price_e4=100_000, quantity=8, surplus_side=SELL))
    assert day.reconcile().found == {"quote_depth": 1}
    day.quotes.books[0].indicative.surplus_quantity = 47
    assert day.reconcile().found == {}
    over = events_pb2.PhaseChanged(symbol="ACME", phase=market_pb2.PHASE_HALTED)
    day.journal.write(
        events_pb2.ExecutionEvent(phase_changed=over),
        public=(events_pb2.MarketDataEvent(sequence=number + 1, phase_changed=over),),
    )
    for export in (day.ledger, day.history, day.quotes):
        export.sequences[0].sequence = number + 1
    assert day.reconcile().found == {"quote_depth": 1}


def folded(journal: Journal) -> tuple[Fold, Breaks]:
    breaks = Breaks()
    fold = Fold(0, breaks)
    for batch in journal.batches:
        fold.apply(batch, journal.sequence)
    return fold, breaks


def restate(journal: Journal, order_id: int, **changes: Any) -> None:
    """Ben's order of 7 at 8.00, restated, or as `changes` say."""
    usual: dict[str, Any] = {"account": BEN, "symbol": "ACME", "price_e4": 80_000, "quantity": 7, "open_quantity": 7}
    journal.write(events_pb2.ExecutionEvent(restated=events_pb2.OrderRestated(order_id=order_id, **(usual | changes))))


@pytest.mark.parametrize(
    ("terms", "outlives"),
    [
        ({}, False),
        ({"time_in_force": command_pb2.TIME_IN_FORCE_GTC}, True),
        ({"time_in_force": command_pb2.TIME_IN_FORCE_GTD, "expire_date": DATE}, False),
        ({"time_in_force": command_pb2.TIME_IN_FORCE_GTD, "expire_date": DATE + 1}, True),
        ({"time_in_force": command_pb2.TIME_IN_FORCE_GTD, "expire_time_us": 1 << 60}, True),
    ],
)
def test_a_date_closes_over_what_outlives_it_alone(terms: dict[str, Any], outlives: bool) -> None:
    """What is left is held and displayed as before; another order that is left is a break."""
    journal = Journal()
    journal.open()
    order = journal.accept(BEN, SELL, 110_000, 30, 30, **terms)
    closed = events_pb2.TradingDateClosed(trading_date=DATE)
    journal.write(events_pb2.ExecutionEvent(date_closed=closed))
    fold, breaks = folded(journal)
    assert [found.kind for found in breaks.kept] == ([] if outlives else ["event"])
    assert (fold.books(), fold.open[order].held) == ({"ACME": {(SELL, 110_000): (30, 1)}}, 30)


def test_the_calendar_is_told_in_public_as_it_moved() -> None:
    """Each event of it is known, and may be in no other place than its own."""
    journal = Journal()
    journal.open()
    step = market_pb2.Transition(time_us=7, kind=market_pb2.TRANSITION_KIND_CLOSE_DATE, trading_date=DATE)
    moved, missed = events_pb2.CalendarMoved(following=step), events_pb2.ScheduleMissed(missed=step)
    journal.write(events_pb2.ExecutionEvent(calendar_moved=moved), events_pb2.ExecutionEvent(schedule_missed=missed))
    fold, breaks = folded(journal)
    assert (breaks.kept, fold.sequence) == ([], 4)


def test_an_iceberg_displays_its_peak_and_then_the_next() -> None:
    """30 shares, 12 at a time: of the peak what is left, when it is used up the next, at last what there is."""
    journal = Journal()
    journal.open()
    iceberg = journal.accept(BEN, SELL, 110_000, 30, 12, display_quantity=12)
    for quantity, left, displayed in ((5, 25, 7), (7, 18, 12), (12, 6, 6), (6, 0, 0)):
        journal.hit(iceberg, ANN, 110_000, quantity, left)
        fold, breaks = folded(journal)
        assert breaks.kept == []
        assert fold.books() == {"ACME": {(SELL, 110_000): (displayed, 1)} if displayed else {}}


def test_a_trade_beyond_the_peak_is_a_break() -> None:
    """What is not displayed yet cannot trade."""
    journal = Journal()
    journal.open()
    journal.hit(journal.accept(BEN, SELL, 110_000, 30, 12, display_quantity=12), ANN, 110_000, 13, 17)
    (found,) = folded(journal)[1].kept
    assert (found.kind, found.left.value, found.right.value) == ("event", {"quantity": 13}, {"displayed": 12})


def test_a_stop_is_displayed_from_its_trigger_on() -> None:
    """Before it nothing is in the book; it is held for all the time."""
    journal = Journal()
    journal.open()
    stop = journal.accept(BEN, SELL, 80_000, 7, 0, type=STOP_LIMIT, stop_price_e4=85_000)
    fold, _ = folded(journal)
    assert (fold.books(), fold.open[stop].held) == ({"ACME": {}}, 7)
    restate(journal, stop, reason=events_pb2.RESTATE_REASON_TRIGGERED)
    fold, breaks = folded(journal)
    assert (fold.books(), breaks.kept) == ({"ACME": {(SELL, 80_000): (7, 1)}}, [])


def test_one_cancels_other_is_displayed_at_its_limit_until_it_is_a_stop() -> None:
    """A buy is held at its stop limit price all the time, and stands there once it was triggered."""
    journal = Journal()
    journal.open()
    pair: dict[str, Any] = {"type": command_pb2.ORDER_TYPE_ONE_CANCELS_OTHER, "stop_price_e4": 95_000}
    order = journal.accept(ANN, BUY, 80_000, 7, 7, **pair, stop_limit_price_e4=96_000, held_price_e4=96_000)
    held = folded(journal)[0].open[order].held
    then: dict[str, Any] = {"price_e4": 96_000, "held_price_e4": 96_000, "held_fee_e6": FEE_E6}
    restate(journal, order, reason=events_pb2.RESTATE_REASON_TRIGGERED, account=ANN, **then)
    fold, breaks = folded(journal)
    assert (fold.books(), breaks.kept) == ({"ACME": {(BUY, 96_000): (7, 1)}}, [])
    assert fold.open[order].held == held


def test_a_pegged_order_is_displayed_where_it_stands() -> None:
    """It waits until it is restated with a price, and again once that is 0; what is held stays."""
    journal = Journal()
    journal.open()
    order = journal.accept(BEN, SELL, 80_000, 7, 0, type=command_pb2.ORDER_TYPE_PEGGED, peg=2)
    books = [folded(journal)[0].books()]
    for price_e4 in (85_000, 0, 86_000):
        restate(journal, order, reason=events_pb2.RESTATE_REASON_PEGGED, price_e4=price_e4)
        fold, breaks = folded(journal)
        assert (breaks.kept, fold.open[order].held) == ([], 7)
        books.append(fold.books())
    assert books == [{"ACME": level} for level in ({}, {(SELL, 85_000): (7, 1)}, {}, {(SELL, 86_000): (7, 1)})]


def banded(journal: Journal, lower_e4: int, upper_e4: int) -> None:
    """Nothing trades outside of these prices from now on."""
    bands = {"reference_price_e4": (lower_e4 + upper_e4) // 2, "lower_price_e4": lower_e4, "upper_price_e4": upper_e4}
    changed = events_pb2.PriceBandsChanged(symbol="ACME", **bands)
    public = events_pb2.MarketDataEvent(sequence=journal.sequence + 1, price_bands_changed=changed)
    journal.write(events_pb2.ExecutionEvent(price_bands_changed=changed), public=(public,))


def test_what_is_left_beyond_a_price_band_stands_at_the_band() -> None:
    """Once, at its own side's band, and no farther away than it was."""
    journal = Journal()
    journal.open()
    banded(journal, 80_000, 95_000)
    order = journal.accept(ANN, BUY, 100_000, 7, 0)
    at_band = {"reason": events_pb2.RESTATE_REASON_PRICE_BAND, "account": ANN, "held_fee_e6": FEE_E6}
    restate(journal, order, price_e4=95_000, held_price_e4=95_000, **at_band)
    fold, breaks = folded(journal)
    assert (fold.books(), breaks.kept) == ({"ACME": {(BUY, 95_000): (7, 1)}}, [])
    restate(journal, order, price_e4=95_000, held_price_e4=95_000, **at_band)
    (found,) = folded(journal)[1].kept
    assert (found.kind, found.left.value) == ("event", events_pb2.RESTATE_REASON_PRICE_BAND)


def test_a_trade_outside_of_the_price_bands_is_a_break() -> None:
    """While the phase is OPEN; another phase has none."""
    journal = Journal()
    journal.open()
    offer = journal.accept(BEN, SELL, 110_000, 30, 30)
    banded(journal, 80_000, 95_000)
    journal.hit(offer, ANN, 110_000, 10, 20)
    (found,) = folded(journal)[1].kept
    assert (found.kind, found.left.value) == ("event", {"price_e4": 110_000})
    journal = Journal()
    journal.open()
    offer = journal.accept(BEN, SELL, 100_500, 30, 30)
    banded(journal, 80_000, 95_000)
    journal.phase(market_pb2.PHASE_AUCTION, market_pb2.AUCTION_KIND_RESUMPTION)
    buy = journal.accept(ANN, BUY, 100_500, 10, 10)
    journal.uncross(offer, buy, 10, 20)
    assert folded(journal)[1].kept == []


@pytest.mark.parametrize(
    "change",
    [
        {"reason": events_pb2.RESTATE_REASON_SLID},
        {"reason": events_pb2.RESTATE_REASON_SELF_TRADE},
        {"reason": events_pb2.RESTATE_REASON_TRIGGERED, "quantity": 6, "open_quantity": 6},
        {"reason": events_pb2.RESTATE_REASON_TRIGGERED, "open_quantity": 6},
        {"reason": events_pb2.RESTATE_REASON_TRIGGERED, "account": ANN},
    ],
)
def test_a_restatement_that_nothing_calls_for_is_a_break(change: dict[str, Any]) -> None:
    """Of a stop that waits nothing is restated but that it was triggered."""
    journal = Journal()
    journal.open()
    restate(journal, journal.accept(BEN, SELL, 80_000, 7, 0, type=STOP_LIMIT, stop_price_e4=85_000), **change)
    (found,) = folded(journal)[1].kept
    assert found.kind == "event"


def test_a_gap_in_the_journal_is_a_break(day: Day) -> None:
    """Sequences have no gap, in the private events as in the public ones."""
    del day.journal.batches[2], day.journal.public[2]
    breaks = day.reconcile()
    assert breaks.found["sequence"] == 2
    assert breaks.found["event"] >= 1  # The trade's maker is unknown.


def test_an_event_that_contradicts_those_before_it_is_a_break(day: Day) -> None:
    """A trade says what is open after it; the fold knows better."""
    day.journal.batches[3].events[1].trade.maker_open_quantity = 61
    found, told = day.reconcile().kept
    assert (found.kind, found.left.value, found.right.value) == ("event", 61, 60)
    assert told.kind == "drop_copy"


def test_a_trade_within_one_account_posts_fees_alone() -> None:
    """Nothing moves between equal accounts, but both sides pay their fee."""
    day = Day()
    before = day.reconcile()
    assert before.kept == []
    day.journal.batches[3].events[1].trade.taker_account = BEN
    breaks = day.reconcile()
    (found,) = (found for found in breaks.kept if found.kind == "trade")
    day.keep = frozenset({int(found.where["sequence"])})
    (found,) = (found for found in day.reconcile().kept if found.kind == "trade")
    assert [posting["kind"] for posting in found.left.value] == ["fee", "fee"]


@pytest.mark.parametrize(
    ("cursor", "incarnation", "kinds"),
    [(5, "a", []), (7, "a", []), (4, "a", ["cursor"]), (8, "a", ["cursor"]), (5, "b", ["incarnation"])],
)
def test_an_export_is_of_the_journal_as_it_is(cursor: int, incarnation: str, kinds: list[str]) -> None:
    """A consumer that lags, that is ahead, or that follows another incarnation is a break."""
    breaks = Breaks()
    history = History(breaks, {})
    history.begin([market_pb2.ShardSequence(sequence=cursor, incarnation=incarnation)])
    checks.position(breaks, history, 0, (5, 7), "a")
    assert list(breaks.found) == kinds


def test_every_kind_of_break_is_explained() -> None:
    """The page on reconciliation has a line for each kind."""
    page = (Path(__file__).parents[2] / "docs" / "reconciliation.md").read_text("utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []
