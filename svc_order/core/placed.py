"""Under which id recent orders were placed. A hint: it is lost with the process, and old entries make room."""

from svc_order.core.commands import Place

PLACED_LIMIT = 32_768


class Placed:
    """The newest PLACED_LIMIT orders that were accepted here, at least; at most twice as many."""

    def __init__(self) -> None:
        self._new: dict[int, Place] = {}
        self._old: dict[int, Place] = {}

    def add(self, order_id: int, place: Place) -> None:
        """Takes an accepted order."""
        self._new[order_id] = place
        if len(self._new) >= PLACED_LIMIT:
            self._new, self._old = {}, self._new

    def find(self, order_id: int, account: str) -> Place | None:
        """The account's order of this id, if it is remembered."""
        place = self._new.get(order_id) or self._old.get(order_id)
        return place if place is not None and place.account == account else None
