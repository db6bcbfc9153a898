"""What the ledger, the order history with the drop copy, and the quotes say of themselves, gathered from their exports."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError

from bourse.ledger.v1 import ledger_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from chassis.units import sequence_of, shard_of
from cli.reconcile import dropcopy, journal
from cli.reconcile.breaks import Breaks
from cli.reconcile.digests import Digests
from cli.reconcile.feed import Auction
from cli.reconcile.journal import Book, Busted

ASKED_FOR = ("deposit", "withdrawal", "transfer")  # Kinds of postings without a trade.
COVER = "cover"  # What the exchange lends an account that lacks what a bust takes back,
COVERS = "exchange/cover"  # and the account that lends it.
Keep = dict[int, frozenset[int]]


class Export:
    """An export's cursors, and a table of digests for each shard; what lies beyond a cursor is a break at once."""

    source = ""
    kind = ""

    def __init__(self, breaks: Breaks, keep: Keep) -> None:
        self.breaks = breaks
        self.keep = keep
        self.cursors: dict[int, int] = {}
        self.incarnations: dict[int, str] = {}
        self._digests: dict[int, Digests] = {}
        self.counts: Counter[str] = Counter()

    def begin(self, sequences: Iterable[market_pb2.ShardSequence]) -> None:
        for position in sequences:
            self.cursors[position.shard] = position.sequence
            self.incarnations[position.shard] = position.incarnation
            self.of(position.shard).reach(position.sequence)

    def of(self, shard: int) -> Digests:
        """The shard's table."""
        if shard not in self._digests:
            self._digests[shard] = Digests(self.keep.get(shard, frozenset()))
        return self._digests[shard]

    def at(self, shard: int, sequence: int, value: object) -> Digests | None:
        """Where the value belongs, if its shard and sequence can be."""
        if 0 < sequence <= self.cursors.get(shard, 0):
            return self.of(shard)
        left = ("journal", {"last_sequence": self.cursors.get(shard)})
        self.breaks.add(self.kind, shard, left, (self.source, value), sequence=sequence)
        return None


class Ledger(Export):
    """Balances, holds and postings out of one snapshot."""

    source = "ledger"
    kind = "trade"

    def __init__(self, breaks: Breaks, keep: Keep) -> None:
        super().__init__(breaks, keep)
        self.balances: dict[tuple[str, str], ledger_pb2.Balance] = {}
        self.holds: defaultdict[int, list[ledger_pb2.OpenHold]] = defaultdict(list)  # by order, 0 where not bound
        self.held: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.reserved: Counter[str] = Counter()  # by asset: what an operator's two-phase transfers have pending
        self.debits: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.credits: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.paid_in: defaultdict[tuple[str, str], int] = defaultdict(int)  # deposits less withdrawals and such

    def add(self, part: ledger_pb2.ExportLedgerResponse) -> None:
        self.begin(part.sequences)
        for balance in part.balances:
            self.balances[balance.account, balance.asset] = balance
            if balance.credits_pending:
                self.reserved[balance.asset] += balance.credits_pending
        for hold in part.holds:
            self.holds[hold.order_id].append(hold)
            self.held[hold.account, hold.asset] += hold.amount
        for transfer in part.transfers:
            self._post(transfer)
        self.counts["balances"] += len(part.balances)
        self.counts["holds"] += len(part.holds)
        self.counts["transfers"] += len(part.transfers)

    def _post(self, transfer: ledger_pb2.PostedTransfer) -> None:
        debit, credit, asset, amount = transfer.debit_account, transfer.credit_account, transfer.asset, transfer.amount
        self.debits[debit, asset] += amount
        self.credits[credit, asset] += amount
        if not (trade_id := transfer.trade_id) or transfer.kind == COVER:
            if transfer.kind not in ASKED_FOR and (not trade_id or debit != COVERS):
                right = self.source, [debit, credit, asset, amount, transfer.kind]
                self.breaks.add("posting", None, ("expected", f"one of {', '.join(ASKED_FOR)}"), right, account=debit)
            self.paid_in[debit, asset] -= amount
            self.paid_in[credit, asset] += amount
            return
        posting = (debit, credit, asset, amount, transfer.kind)
        shard, sequence = shard_of(trade_id), sequence_of(trade_id)
        if (digests := self.at(shard, sequence, posting)) is not None:
            digests.add(sequence, posting)


class History(Export):
    """Every order of the history, and the drop copy."""

    source = "svc_order"
    kind = "order"

    def __init__(self, breaks: Breaks, keep: Keep) -> None:
        super().__init__(breaks, keep)
        self.drop_copy = DropCopy(breaks, keep)
        self.busts: defaultdict[int, dict[int, Busted]] = defaultdict(dict)  # by shard and order

    def add(self, part: order_pb2.ExportOrdersResponse) -> None:
        self.begin(part.sequences)
        self.drop_copy.begin(part.sequences)
        self.counts["history_orders"] += len(part.orders)
        for order, participant in zip(part.orders, part.participants, strict=True):
            shard, sequence = shard_of(order.order_id), sequence_of(order.order_id)
            if (digests := self.at(shard, sequence, order.order_id)) is not None:
                digests.add(sequence, view(participant, order))
            if any(busted := (order.busted_quantity, order.busted_amount_e4, order.busted_fees_e4)):
                self.busts[shard][order.order_id] = busted
        for copy in part.copies:
            self.counts["drop_copy_updates"] += self.drop_copy.add(copy)


class DropCopy(Export):
    """Every update that svc_order keeps to tell a participant, in the order in which it tells them."""

    source = "svc_order"
    kind = "drop_copy"

    def __init__(self, breaks: Breaks, keep: Keep) -> None:
        super().__init__(breaks, keep)
        self._before: tuple[int, str, int] = -1, "", 0  # Shard, participant and last sequence of the row before.

    def add(self, row: order_pb2.StoredUpdates) -> int:
        """The next row; returns how many updates it has. They must be within it, in order, and behind the row before."""
        shard, participant, last = row.shard, row.participant, row.last_sequence
        begin = self._before[2] + 1 if self._before[:2] == (shard, participant) else 1
        self._before = shard, participant, last
        if not begin <= row.first_sequence <= last:
            self._misplaced(row, ("expected", {"first_sequence_from": begin}), None)
        try:
            part = order_pb2.WatchOrdersResponse.FromString(row.updates)
        except DecodeError as error:
            self._misplaced(row, ("expected", "encoded updates"), str(error))
            return 0
        digests, begin, last = self.of(shard), max(row.first_sequence, 1), min(last, self.cursors.get(shard, 0))
        for update in part.updates:
            sequence, value = update.sequence, dropcopy.view(participant, update)
            if begin <= sequence <= last:
                digests.add(sequence, value)
                begin = sequence
            else:
                told = {"sequence": sequence, **dict(zip(dropcopy.FIELDS, value, strict=True))}
                self._misplaced(row, ("expected", {"sequence_from": begin, "sequence_to": last}), told)
        count = len(part.updates)
        part.ClearField("updates")
        if rest := part.ByteSize():
            self._misplaced(row, ("expected", "updates alone"), {"other_bytes": rest})
        return count

    def _misplaced(self, row: order_pb2.StoredUpdates, expected: tuple[str, Any], what: Any) -> None:
        says = {"first_sequence": row.first_sequence, "last_sequence": row.last_sequence, "what": what}
        at = row.last_sequence
        self.breaks.add(self.kind, row.shard, expected, (self.source, says), sequence=at, participant=row.participant)


def view(participant: str, order: order_pb2.Order) -> tuple[Any, ...]:
    """journal.ORDER_FIELDS of an order of the history."""
    return (
        *(participant, order.account, order.client_order_id, order.trading_date, order.symbol, order.side, order.type),
        *(order.time_in_force, order.price_e4, order.quantity, order.executed_quantity, order.open_quantity),
        *(order.executed_amount_e4, order.fees_e4, order.state),
        *(order.create_time_us, order.update_time_us, order.last_sequence),
        dropcopy.refusal_in_full(order.refusal) if order.HasField("refusal") else (),
        *journal.terms_of(order),
        *(order.triggered, order.done_reason),
    )


class Quotes(Export):
    """Books and tape of all instruments."""

    source = "svc_quote"
    kind = "quote_trade"

    def __init__(self, breaks: Breaks, keep: Keep, shards: dict[str, int]) -> None:
        super().__init__(breaks, keep)
        self.shards = shards  # of each symbol
        self.books: dict[str, Book] = {}
        self.auctions: dict[str, Auction] = {}
        self.busts: defaultdict[int, set[int]] = defaultdict(set)  # trades by shard and sequence

    def add(self, part: quote_pb2.ExportQuotesResponse) -> None:
        self.begin(part.sequences)
        self.counts["quote_trades"] += len(part.trades)
        for exported in part.books:
            book = self.books.setdefault(exported.symbol, {})
            for side, levels in ((market_pb2.SIDE_BUY, exported.bids), (market_pb2.SIDE_SELL, exported.asks)):
                book.update({(side, level.price_e4): (level.quantity, level.orders) for level in levels})
            if exported.HasField("indicative"):
                told = exported.indicative
                auction = told.price_e4, told.quantity, int(told.surplus_side), told.surplus_quantity
                self.auctions[exported.symbol] = auction
        for traded in part.trades:
            self._trade(traded.symbol, traded.trade)

    def _trade(self, symbol: str, trade: quote_pb2.Trade) -> None:
        values = trade.price_e4, trade.quantity, trade.taker_side, trade.auction, trade.time_us
        value = (symbol, trade.symbol_sequence, *values)
        if (digests := self.at(self.shards.get(symbol, -1), trade.sequence, value)) is not None:
            digests.add(trade.sequence, value)
            if trade.busted:
                self.busts[self.shards[symbol]].add(trade.sequence)
