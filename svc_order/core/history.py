"""Orders out of events: what a batch of events adds to the history, as new rows and as changes of rows.

Source: bourse/match/v1/events.proto. Values of enums are those of OrderState in bourse/order/v1/order.proto.
"""

from svc_order.core.commands import PLAIN, Terms

OPEN, FILLED, CANCELLED, REJECTED = 1, 2, 3, 4
KEEP = -1  # A price or a quantity that a change leaves as it is.


class Order:
    """An order that the batch began, as it is after the batch."""

    __slots__ = (
        "account", "client_order_id", "create_time_us", "done_reason", "executed_amount_e4", "executed_quantity", "fees_e4",
        "last_sequence", "lease", "open_quantity", "order_id", "price_e4", "quantity", "refusal", "side", "state", "symbol",
        "terms", "time_in_force", "trading_date", "triggered", "type", "update_time_us",
    )  # fmt: skip

    def __init__(
        self,
        order_id: int,
        account: str,
        client_order_id: str,
        trading_date: int,
        symbol: str,
        side: int,
        type: int,  # noqa: A002
        time_in_force: int,
        price_e4: int,
        quantity: int,
        state: int,
        time_us: int,
        sequence: int,
        refusal: str = "",
        terms: Terms = PLAIN,
        lease: str = "",
    ) -> None:
        self.order_id = order_id
        self.account = account
        self.client_order_id = client_order_id
        self.trading_date = trading_date
        self.symbol = symbol
        self.side = side
        self.type = type
        self.time_in_force = time_in_force
        self.price_e4 = price_e4
        self.quantity = quantity
        self.executed_quantity = 0
        self.open_quantity = quantity if state == OPEN else 0
        self.executed_amount_e4 = 0
        self.fees_e4 = 0
        self.state = state
        self.create_time_us = self.update_time_us = time_us
        self.last_sequence = sequence
        self.refusal = refusal
        self.terms = terms
        self.lease = lease
        self.triggered = 0
        self.done_reason = 0


class Change:
    """What the batch changes of an order that was there before: sums to add, and values to set."""

    __slots__ = (
        "done_reason", "executed_amount_e4", "executed_quantity", "fees_e4", "last_sequence", "open_quantity", "price_e4",
        "quantity", "state", "triggered", "update_time_us",
    )  # fmt: skip

    def __init__(self) -> None:
        self.executed_quantity = 0
        self.executed_amount_e4 = 0
        self.fees_e4 = 0
        self.open_quantity = 0
        self.price_e4 = KEEP
        self.quantity = KEEP
        self.state = OPEN
        self.triggered = 0
        self.done_reason = 0
        self.update_time_us = 0
        self.last_sequence = 0


class Fold:
    """New orders, changes of older ones, and what of either is busted (shares, their cost and fees), by order_id. Events are given
    in their order.
    """

    __slots__ = ("busts", "changes", "orders")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.changes: dict[int, Change] = {}
        self.busts: dict[int, tuple[int, int, int]] = {}

    def began(self, order: Order) -> None:
        """Accepted, or a place rejected."""
        self.orders[order.order_id] = order

    def traded(
        self, order_id: int, sequence: int, time_us: int, price_e4: int, quantity: int, fee_e4: int, open_quantity: int
    ) -> None:
        """One side of a trade."""
        order = self._of(order_id)
        order.executed_quantity += quantity
        order.executed_amount_e4 += price_e4 * quantity
        order.fees_e4 += fee_e4
        order.open_quantity = open_quantity
        order.update_time_us, order.last_sequence = time_us, sequence

    def replaced(
        self, order_id: int, sequence: int, time_us: int, price_e4: int, quantity: int, open_quantity: int
    ) -> None:
        """A new price and total quantity."""
        order = self._of(order_id)
        order.price_e4, order.quantity, order.open_quantity = price_e4, quantity, open_quantity
        order.update_time_us, order.last_sequence = time_us, sequence

    def triggered(self, order_id: int) -> None:
        """A stop is none any more."""
        self._of(order_id).triggered = 1

    def done(self, order_id: int, sequence: int, time_us: int, *, filled: bool, reason: int = 0) -> None:
        """The order is finished; `reason` where it was for a rule of its own."""
        order = self._of(order_id)
        order.state, order.open_quantity, order.done_reason = FILLED if filled else CANCELLED, 0, reason
        order.update_time_us, order.last_sequence = time_us, sequence

    def busted(self, order_id: int, price_e4: int, quantity: int, fee_e4: int) -> None:
        """One side of a trade that was busted; the order, which may be finished, stays as it is."""
        shares, amount_e4, fees_e4 = self.busts.get(order_id, (0, 0, 0))
        self.busts[order_id] = shares + quantity, amount_e4 + price_e4 * quantity, fees_e4 + fee_e4

    def _of(self, order_id: int) -> Order | Change:
        order: Order | Change | None = self.orders.get(order_id)
        if order is None:
            order = self.changes.get(order_id)
            if order is None:
                order = self.changes[order_id] = Change()
        return order
