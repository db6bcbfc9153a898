"""The open orders of a shard, and a packed mirror of them that is copied, hashed and stored at once."""

from struct import Struct

# order_id, price, quantity, open, held_price, priority, held_fee, account, book, side
RECORD = Struct(">qqqqqqIIHB5x")
SIZE = RECORD.size
FREE = bytes(SIZE)


class Order:
    """An order. `priority` is the sequence of the event that put it where it stands in its level."""

    __slots__ = (
        "account",
        "book",
        "held_fee_e6",
        "held_price_e4",
        "open",
        "order_id",
        "price_e4",
        "priority",
        "quantity",
        "side",
        "slot",
    )

    def __init__(
        self,
        order_id: int,
        account: str,
        book: int,
        side: int,
        price_e4: int,
        quantity: int,
        open_quantity: int,
        held_price_e4: int,
        held_fee_e6: int,
        priority: int,
        slot: int = -1,
    ) -> None:
        self.order_id = order_id
        self.account = account
        self.book = book
        self.side = side
        self.price_e4 = price_e4
        self.quantity = quantity
        self.open = open_quantity
        self.held_price_e4 = held_price_e4
        self.held_fee_e6 = held_fee_e6
        self.priority = priority
        self.slot = slot


class OpenOrders:
    """Open orders by id. `changed` and `flush` keep the mirror: one record a slot, zeros where none is."""

    def __init__(self) -> None:
        self.by_id: dict[int, Order] = {}
        self.accounts: dict[str, int] = {}
        self.packed = bytearray()
        self.free: list[int] = []
        self._changed: set[Order] = set()

    def add(self, order: Order) -> None:
        """A new order rests."""
        if self.free:
            order.slot = self.free.pop()
        else:
            order.slot = len(self.packed) // SIZE
            self.packed += FREE
        self.accounts.setdefault(order.account, len(self.accounts))
        self.by_id[order.order_id] = order
        self._changed.add(order)

    def changed(self, order: Order) -> None:
        """A resting order is not as it was."""
        self._changed.add(order)

    def remove(self, order: Order) -> None:
        """An order is finished."""
        del self.by_id[order.order_id]
        self._changed.discard(order)
        self.packed[order.slot * SIZE : order.slot * SIZE + SIZE] = FREE
        self.free.append(order.slot)
        order.slot = -1

    def flush(self) -> None:
        """Brings the mirror up to date; called once a batch."""
        packed, accounts, pack_into = self.packed, self.accounts, RECORD.pack_into
        for order in self._changed:
            pack_into(
                packed,
                order.slot * SIZE,
                order.order_id,
                order.price_e4,
                order.quantity,
                order.open,
                order.held_price_e4,
                order.priority,
                order.held_fee_e6,
                accounts[order.account],
                order.book,
                order.side,
            )
        self._changed.clear()

    def forget_accounts(self) -> None:
        """A new date begins with none of the names, and no slots, of the one before."""
        assert not self.by_id
        self.accounts.clear()
        self.packed.clear()
        self.free.clear()

    def load(self, packed: bytes, free: list[int], accounts: list[str]) -> list[Order]:
        """Fills the table from its mirror; the orders by priority, to be put into their books in that order."""
        self.packed, self.free = bytearray(packed), free
        self.accounts = {name: number for number, name in enumerate(accounts)}
        orders = [
            Order(
                order_id,
                accounts[account],
                book,
                side,
                price_e4,
                quantity,
                open_quantity,
                held_price_e4,
                held_fee_e6,
                priority,
                slot,
            )
            for slot, (
                order_id,
                price_e4,
                quantity,
                open_quantity,
                held_price_e4,
                priority,
                held_fee_e6,
                account,
                book,
                side,
            ) in enumerate(RECORD.iter_unpack(packed))
            if order_id
        ]
        orders.sort(key=lambda order: order.priority)
        self.by_id = {order.order_id: order for order in orders}
        return orders
