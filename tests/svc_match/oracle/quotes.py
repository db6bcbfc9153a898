"""Mass quotes and what protects their makers, in the most obvious way. Source: docs/rule-book.md, section 6."""

from chassis.units import order_id
from svc_match.core import events
from svc_match.core.commands import PLAIN, MassQuote, OrderType, Place, QuoteSide, Side, TimeInForce
from svc_match.core.events import DoneReason, Kind, Reason, Refused
from svc_match.core.terms import QUOTES_LIMIT
from svc_match.core.timers import TimerKind
from tests.svc_match.oracle.auction import Auctions
from tests.svc_match.oracle.book import Book
from tests.svc_match.oracle.orders import NEVER, Order, participant_of
from tests.svc_match.oracle.rules import wrong_place

SIDES = {Side.BUY: "bid", Side.SELL: "ask"}


class Maker:
    """What an account's last mass quote said, and the trades of its quotes since its window began."""

    def __init__(self) -> None:
        self.fill_limit = self.share_limit = self.window_us = 0
        self.since_us = 0
        self.trades: list[int] = []
        self.active = False


class Quotes(Auctions):
    """The quotes of a shard's makers."""

    def __init__(self) -> None:
        super().__init__()
        self.shard = 0
        self.books: dict[str, Book] = {}
        self.makers: dict[str, Maker] = {}
        self.leases: dict[tuple[str, str], tuple[int, list[int]]] = {}
        self._reached: list[str] = []  # accounts whose quotes are to be pulled
        self._pulled: list[Book] = []  # books in which some were

    def mass_quote(self, command: MassQuote) -> events.MassQuoted | events.Rejected:
        """Withdraws or keeps what stood, then each other side arrives."""
        wrong = self._wrong_quote(command)
        account, own_id = command.account, command.client_order_id
        if wrong is not None:
            holds = tuple(one.hold_id for one in command.sides if one.hold_id)
            self.sequence += 1
            symbol, wrong = wrong
            rejected = events.Rejected(self.sequence, Kind.MASS_QUOTE, 0, account, own_id, symbol, 0, *wrong, holds)
            self._events.append(rejected)
            return rejected
        maker = self.makers.setdefault(account, Maker())
        maker.fill_limit, maker.share_limit, maker.window_us = command.protection
        if command.reset:
            maker.active, maker.trades = False, []
        asked = sum(one.quantity > 0 for one in command.sides)
        self.sequence += 1
        taken = events.MassQuoted(self.sequence, account, own_id, asked, *command.protection, command.reset)
        self._events.append(taken)
        self.quotes_turns = self.fills_limit
        for one in [one for one in command.sides if not self._keeps(command, one)]:
            if one.quantity:
                self._quote(command, one)
        for symbol in dict.fromkeys(one.symbol for one in command.sides):
            self._looked_at(self.books[symbol])
        return taken

    def _wrong_quote(self, command: MassQuote) -> tuple[str, Refused] | None:
        maker = self.makers.get(command.account)
        if any(one.quantity for one in command.sides) and (reason := self._restricted(command.account)) is not None:
            return "", Refused(reason, "account", command.account)
        if command.lease and (participant_of(command.account), command.lease) not in self.leases:
            return "", Refused(Reason.LEASE_UNKNOWN, "lease", command.lease)
        if maker is not None and maker.active and not command.reset:
            return "", Refused(Reason.MAKER_PROTECTION_ACTIVE, "reset", "false")
        places = {(order.book, order.side) for order in self._quotes_of(command.account)}
        for one in command.sides:
            book = self.books.get(one.symbol)
            if one.quantity or book is None:
                wrong = wrong_place(_order(command, one), book, 0)
                if wrong is not None:
                    named = "symbol" if wrong.field == "symbol" else f"{SIDES[Side(one.side)]}_{wrong.field}"
                    return one.symbol, wrong._replace(field=f"entries[{one.entry}].{named}")
            assert book is not None
            places.discard((book.number, one.side))
            if one.quantity:
                places.add((book.number, one.side))
        if len(places) > QUOTES_LIMIT:
            return "", Refused(Reason.QUOTE_LIMIT, "entries", str(len(places)))
        return None

    def _quotes_of(self, account: str) -> list[Order]:
        return [order for _, order in sorted(self.orders.items()) if order.quoted and order.account == account]

    def _keeps(self, command: MassQuote, one: QuoteSide) -> bool:
        book = self.books[one.symbol]
        there = [
            order for order in self._quotes_of(command.account) if (order.book, order.side) == (book.number, one.side)
        ]
        if not there:
            return False
        [order] = there
        same = (one.price_e4, command.lease, _prevents(command.prevention)) == (
            order.price_e4, order.lease, _prevents(order.terms.self_trade_prevention),
        )  # fmt: skip
        if not (same and 0 < one.quantity <= order.open):
            self._leave(book, order)
            self._done(order, DoneReason.QUOTE_WITHDRAWN)
            self._publish_levels(book)
            return False
        total, shows_less = order.quantity - order.open + one.quantity, one.quantity < order.open
        held_price_e4 = one.price_e4 if one.side == Side.BUY else 0
        self.sequence += 1
        self._events.append(
            events.Replaced(
                self.sequence, order.order_id, order.account, one.own_id, one.symbol, one.price_e4, total, one.quantity,
                one.hold_id, held_price_e4, one.held_fee_e6,
            )
        )  # fmt: skip
        order.quantity, order.open = total, one.quantity
        order.held_price_e4, order.held_fee_e6 = held_price_e4, one.held_fee_e6
        order.shrink()
        if shows_less:
            self._touch(order)
        self._publish_levels(book)
        return True

    def _quote(self, command: MassQuote, one: QuoteSide) -> None:
        book, place = self.books[one.symbol], _order(command, one)
        self.sequence += 1
        identity = order_id(self.shard, self.sequence)
        self._events.append(
            events.Accepted(
                self.sequence, identity, place.account, place.client_order_id, place.symbol, place.side, place.type,
                place.time_in_force, place.price_e4, place.quantity, 0, place.hold_id, place.held_price_e4,
                place.held_fee_e6, place.terms, place.lease,
            )
        )  # fmt: skip
        order = Order(
            identity, place.account, book.number, place.side, place.type, place.price_e4, place.quantity,
            place.held_price_e4, place.held_fee_e6, place.terms, place.time_in_force,
        )  # fmt: skip
        order.quoted, order.lease = True, command.lease
        if self.makers[command.account].active:
            self._done(order, DoneReason.MAKER_PROTECTION)
            return
        if command.lease:
            self.leases[participant_of(command.account), command.lease][1].append(identity)
        if book.phase == book.phase.AUCTION:
            self._collect(book, order, TimeInForce.DAY)
        else:
            self._arrive(book, order, OrderType.LIMIT, TimeInForce.DAY)
        self._looked_at(book)

    def _restricted(self, account: str) -> Reason | None:
        raise NotImplementedError

    # Protection

    def _quote_traded(self, order: Order, shares: int) -> None:
        """A quote that stood traded outside an auction."""
        maker = self.makers[order.account]
        if maker.active or not (maker.fill_limit or maker.share_limit):
            return
        if not maker.trades or self.now_us >= maker.since_us + maker.window_us:
            maker.since_us, maker.trades = self.now_us, []
        maker.trades.append(shares)
        fills = 0 < maker.fill_limit <= len(maker.trades)
        if fills or 0 < maker.share_limit <= sum(maker.trades):
            maker.active = True
            self._reached.append(order.account)

    @property
    def makers_wait(self) -> bool:
        """Whether quotes are still to be pulled."""
        return bool(self._reached)

    def _pull_quotes(self) -> None:
        while self._reached and self.sequence < self.until:
            account = self._reached.pop(0)
            found, trades = self._quotes_of(account), self.makers[account].trades
            self.sequence += 1
            self._events.append(events.MakerProtected(self.sequence, account, len(found), len(trades), sum(trades)))
            for order in found:
                book = self.numbered[order.book]
                self._leave(book, order)
                self._done(order, DoneReason.MAKER_PROTECTION)
                self._publish_levels(book)
                if book not in self._pulled:
                    self._pulled.append(book)
        if self._reached:
            self.timers[TimerKind.PULLS, 0] = 0
            self.full = self.sequence

    def _stalled(self, book: Book) -> bool:
        if self._reached:
            self._stall(book, [])
        return super()._stalled(book)

    def _looked_at(self, book: Book) -> None:
        super()._looked_at(book)
        self._look_at_pulled()

    def _look_at_pulled(self) -> None:
        while self._pulled:
            book = self._pulled.pop(0)
            if self.sequence >= self.until:
                self._stall(book, [])
            super()._looked_at(book)

    def _pull_on(self) -> None:
        """The next row goes on with the makers that wait."""
        self.passed = 0, 0
        self._pull_quotes()
        self._look_at_pulled()


def _order(command: MassQuote, one: QuoteSide) -> Place:
    """A side as the limit order that it is."""
    return Place(
        command.account, one.own_id, command.trading_date, command.key, command.digest, command.deadline_us, one.hold_id,
        one.held_amount, one.held_price_e4, one.held_fee_e6, one.symbol, one.side, OrderType.LIMIT, TimeInForce.DAY,
        one.price_e4, one.quantity, 0, PLAIN._replace(self_trade_prevention=command.prevention), command.lease,
    )  # fmt: skip


def _prevents(choice: int) -> int:
    return 0 if choice in NEVER else choice
