"""The comparisons: each takes what must be true and what a service says, and adds a break for each difference."""

from collections import defaultdict
from typing import Any

from chassis.units import EXCHANGE_ACCOUNTS, shard_of
from chassis.units import order_id as order_id_of
from cli.reconcile import dropcopy, journal
from cli.reconcile import feed as feeds
from cli.reconcile.breaks import Breaks
from cli.reconcile.digests import Digests
from cli.reconcile.exports import Export, History, Ledger, Quotes
from cli.reconcile.feed import Feed
from cli.reconcile.journal import BUY, Book, Fold

Positions = dict[tuple[str, str], int]
HOLD = ("account", "asset", "amount")
BUSTED = ("busted_quantity", "busted_amount_e4", "busted_fees_e4")
LEVEL = ("quantity", "orders")


def position(breaks: Breaks, export: Export, shard: int, journalled: tuple[int, int], incarnation: str) -> None:
    """The export is of the present incarnation, and of a sequence between those that the journal had before and after it."""
    cursor, found = export.cursors.get(shard, 0), export.incarnations.get(shard, "")
    if not journalled[0] <= cursor <= journalled[1]:
        left = "svc_match", dict(zip(("before", "after"), journalled, strict=True))
        breaks.add("cursor", shard, left, (export.source, cursor), sequence=cursor)
    if cursor and found != incarnation:
        breaks.add("incarnation", shard, ("svc_match", incarnation), (export.source, found), sequence=cursor)


def trades(breaks: Breaks, fold: Fold, ledger: Ledger) -> None:
    """Each trade up to the ledger's cursor was posted exactly as it calls for."""
    for sequence in fold.postings.differing(ledger.of(fold.shard), fold.sequence):
        left = journal.SOURCE, fold.postings.show(sequence, journal.POSTING_FIELDS)
        right = ledger.source, ledger.of(fold.shard).show(sequence, journal.POSTING_FIELDS)
        breaks.add("trade", fold.shard, left, right, sequence=sequence)
        breaks.suspect(fold.shard, sequence)


def holds(breaks: Breaks, fold: Fold, ledger: Ledger) -> None:
    """Each open order is held for, exactly; nothing else is held, but for orders that may still be submitted."""
    expected = {
        order_id: (
            order.account,
            order.symbol if order.side != BUY else fold.currencies.get(order.symbol, ""),
            order.held,
        )
        for order_id, order in fold.open.items()
        if order.held
    }
    found = {
        order_id: (parts[0].account, parts[0].asset, sum(part.amount for part in parts))
        for order_id, parts in ledger.holds.items()
        if order_id and shard_of(order_id) == fold.shard and any(part.amount for part in parts)
    }
    for order_id in sorted(expected.keys() | found.keys()):
        if expected.get(order_id) != found.get(order_id):
            left = "open orders", _named(HOLD, expected.get(order_id))
            breaks.add("hold", fold.shard, left, (ledger.source, _named(HOLD, found.get(order_id))), order_id=order_id)
    for hold in ledger.holds.get(0, ()):
        if hold.shard == fold.shard and hold.amount and fold.time_us > hold.deadline_us:
            left = journal.SOURCE, {"time_us": fold.time_us}
            right = ledger.source, {"account": hold.account, "amount": hold.amount, "deadline_us": hold.deadline_us}
            breaks.add("hold", fold.shard, left, right, hold_id=hold.hold_id)


def balances(breaks: Breaks, positions: list[Positions], ledger: Ledger) -> None:
    """Balances are what was paid in and traded, and what the postings and holds add up to; nothing came from nowhere."""
    expected: defaultdict[tuple[str, str], int] = defaultdict(int, ledger.paid_in)
    for traded in positions:
        for key, amount in traded.items():
            expected[key] += amount
    for key in sorted(expected.keys() | ledger.balances.keys() | ledger.held.keys()):
        _balance(breaks, key, expected[key], ledger)
    _conserved(breaks, ledger)


def _balance(breaks: Breaks, key: tuple[str, str], expected: int, ledger: Ledger) -> None:
    account, asset = where = key
    balance = ledger.balances.get(where)
    posted = (balance.credits_posted, balance.debits_posted) if balance else (0, 0)
    pending = balance.debits_pending if balance else 0
    summed = ledger.credits.get(where, 0), ledger.debits.get(where, 0)
    says = f"{ledger.source} balances"
    found = posted[0] - posted[1]
    if found != expected:
        left = "deposits and trades", expected
        breaks.add("balance", None, left, (says, found), account=account, asset=asset)
    if posted != summed:
        left_sum, right_sum = (dict(zip(("credits", "debits"), pair, strict=True)) for pair in (summed, posted))
        breaks.add("posting", None, ("ledger postings", left_sum), (says, right_sum), account=account, asset=asset)
    available = balance.available if balance else 0
    if available != found - pending:
        breaks.add(
            "posting", None, ("posted less pending", found - pending), (says, available), account=account, asset=asset
        )
    if pending != ledger.held.get(where, 0) and asset not in ledger.reserved:
        left = "ledger holds", ledger.held.get(where, 0)
        breaks.add("pending", None, left, (says, pending), account=account, asset=asset)
    if found < pending and not account.startswith(EXCHANGE_ACCOUNTS):
        breaks.add("negative", None, ("posted", found), ("pending", pending), account=account, asset=asset)


def _conserved(breaks: Breaks, ledger: Ledger) -> None:
    """Of each asset as much was credited as debited, and as much is held as is pending.

    An operator's two-phase transfer is pending on both sides, where a hold is on the debit side alone.
    """
    for asset in sorted({asset for _, asset in ledger.balances}):
        of_asset = [balance for (_, held), balance in ledger.balances.items() if held == asset]
        credits_posted = sum(balance.credits_posted for balance in of_asset)
        debits_posted = sum(balance.debits_posted for balance in of_asset)
        if credits_posted != debits_posted:
            left, right = ("credits of all accounts", credits_posted), ("debits of all accounts", debits_posted)
            breaks.add("conservation", None, left, right, asset=asset)
        if reserved := ledger.reserved.get(asset):
            held = sum(amount for (_, of), amount in ledger.held.items() if of == asset)
            pending = sum(balance.debits_pending for balance in of_asset)
            if pending != held + reserved:
                left, right = ("ledger holds and two-phase transfers", held + reserved), ("ledger balances", pending)
                breaks.add("pending", None, left, right, asset=asset)


def orders(breaks: Breaks, fold: Fold, history: History) -> None:
    """The history shows each order as the journal has it."""
    expected, found = fold.orders(), history.of(fold.shard)
    for sequence in expected.differing(found, fold.sequence):
        left, right = _differing(
            expected.show(sequence, journal.ORDER_FIELDS), found.show(sequence, journal.ORDER_FIELDS)
        )
        order_id = order_id_of(fold.shard, sequence)
        breaks.add("order", fold.shard, (journal.SOURCE, left), (history.source, right), order_id=order_id)
        breaks.suspect(fold.shard, sequence)
    busts = history.busts[fold.shard]
    for order_id in sorted(fold.busts.keys() | busts.keys()):
        left, right = _named(BUSTED, fold.busts.get(order_id)), _named(BUSTED, busts.get(order_id))
        if left != right:
            breaks.add("order", fold.shard, (journal.SOURCE, left), (history.source, right), order_id=order_id)


def drop_copy(breaks: Breaks, fold: Fold, history: History) -> None:
    """Each participant is told each event of its orders, once."""
    left = journal.SOURCE, fold.told.digests
    right = history.source, history.drop_copy.of(fold.shard)
    _tape(breaks, "drop_copy", fold.shard, left, right, dropcopy.FIELDS, fold.sequence)


def _differing(left: Any, right: Any) -> tuple[Any, Any]:
    """Of two full views only the fields that differ."""
    if not (isinstance(left, list) and isinstance(right, list) and len(left) == len(right) == 1):
        return left, right
    names = [name for name in left[0] if left[0][name] != right[0][name]]
    return {name: left[0][name] for name in names}, {name: right[0][name] for name in names}


def public(breaks: Breaks, fold: Fold, feed: Feed, through: int) -> None:
    """Each trade, instrument, phase and date was made public as it was."""
    for kind, private, told, names in (
        ("feed_trade", fold.tape, feed.public, journal.PUBLIC_TRADE_FIELDS),
        ("feed_reference", fold.references, feed.references, journal.REFERENCE_FIELDS),
    ):
        _tape(breaks, kind, fold.shard, (journal.SOURCE, private), (feeds.SOURCE, told), names, through)


def complete(breaks: Breaks, shard: int, source: str, reached: int, through: int) -> None:
    """All was read that was to be compared."""
    if reached < through:
        breaks.add("stream", shard, (source, reached), ("to be compared", through), sequence=reached)


def quote_trades(breaks: Breaks, feed: Feed, quotes: Quotes, through: int) -> None:
    """The tape has each public trade once, and says which were busted."""
    right = quotes.source, quotes.of(feed.shard)
    _tape(breaks, "quote_trade", feed.shard, (feeds.SOURCE, feed.tape), right, feeds.TAPE_FIELDS, through)
    told, marked = {trade for trade, at in feed.busts.items() if at <= through}, quotes.busts[feed.shard]
    for sequence in sorted(told ^ marked):
        left, marks = (feeds.SOURCE, {"busted": sequence in told}), (quotes.source, {"busted": sequence in marked})
        breaks.add("quote_trade", feed.shard, left, marks, sequence=sequence)


def _tape(
    breaks: Breaks,
    kind: str,
    shard: int,
    left: tuple[str, Digests],
    right: tuple[str, Digests],
    names: tuple[str, ...],
    through: int,
) -> None:
    for sequence in left[1].differing(right[1], through):
        sides = [(source, digests.show(sequence, names)) for source, digests in (left, right)]
        breaks.add(kind, shard, sides[0], sides[1], sequence=sequence)
        breaks.suspect(shard, sequence)


def books(
    breaks: Breaks,
    kind: str,
    shard: int,
    left: tuple[str, dict[str, Book]],
    right: tuple[str, dict[str, Book]],
    sequence: int,
) -> None:
    """Two sets of books have the same levels."""
    for symbol in sorted(left[1].keys() | right[1].keys()):
        one, other = left[1].get(symbol, {}), right[1].get(symbol, {})
        for side, price_e4 in sorted(
            level for level in one.keys() | other.keys() if one.get(level) != other.get(level)
        ):
            sides = [
                (source, _named(LEVEL, book.get((side, price_e4))))
                for source, book in ((left[0], one), (right[0], other))
            ]
            where: dict[str, int | str] = {
                "symbol": symbol,
                "side": "buy" if side == BUY else "sell",
                "price_e4": price_e4,
            }
            breaks.add(kind, shard, sides[0], sides[1], sequence=sequence, **where)


def auctions(breaks: Breaks, feed: Feed, quotes: Quotes, sequence: int) -> None:
    """svc_quote shows what each auction would do, as it was told last."""
    quoted = {symbol: told for symbol, told in quotes.auctions.items() if quotes.shards.get(symbol) == feed.shard}
    for symbol in sorted(feed.auctions.keys() | quoted.keys()):
        if feed.auctions.get(symbol) != quoted.get(symbol):
            left, right = (feeds.SOURCE, feed.auctions.get(symbol)), (quotes.source, quoted.get(symbol))
            breaks.add("quote_depth", feed.shard, left, right, sequence=sequence, symbol=symbol)


def _named(names: tuple[str, ...], values: tuple[Any, ...] | None) -> dict[str, Any] | None:
    return dict(zip(names, values, strict=True)) if values else None
