"""The order of a session's commands: which deadline a submit carries, and what may pass while the ledger is down.

Model-checked as m5_session (with LATE and FIX_STOP); what passes while the ledger is down is not modelled.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from svc_order.core.commands import Command, MassCancel, MassQuote, Place, RenewLease

NEVER = 1 << 63


class Deadlines:
    """The deadlines of what one session has submitted to one shard and has no answer to, oldest first.

    Times of different shards are never compared, so each shard has its own.
    """

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: deque[int] = deque()

    def carry(self, own: Sequence[int]) -> list[int]:
        """The deadlines that the next piece's submits carry, each the earliest of its own and all unanswered before it; 0 is none."""
        earliest = min(self._pieces, default=NEVER)
        carried = []
        for deadline_us in own:
            if deadline_us and deadline_us < earliest:
                earliest = deadline_us
            carried.append(earliest if earliest != NEVER else 0)
        self._pieces.append(min((one for one in own if one), default=NEVER))
        return carried

    def answered(self) -> None:
        """The oldest piece is answered, or is known not to come."""
        self._pieces.popleft()


def passing(unanswered: Iterable[tuple[Command, bool]], *, overtakes: bool) -> list[int]:
    """While the ledger is down: which of a session's unanswered commands, in order, go on all the same.

    Each comes with whether it needs no hold (a cancel, a mass cancel, a reduction). Without `overtakes` only those before the first that
    needs one go on. With it one passes those before it unless one of them that stays acts on its order. An order_id and a
    client_order_id cannot be compared: within an account and symbol they may be one order; but a placed order whose id is
    known is in the journal, and its place only repeats.
    """
    staying = _Staying()
    passed = []
    for index, (command, bare) in enumerate(unanswered):
        if bare and not staying.acts_on_order_of(command):
            passed.append(index)
        elif not overtakes:
            break
        else:
            staying.add(command)
    return passed


class _Staying:
    def __init__(self) -> None:
        self._placed: set[tuple[str, str]] = set()
        self._named: dict[str, list[tuple[int, str, str]]] = {}

    def add(self, command: Command) -> None:
        if isinstance(command, Place):
            self._placed.add((command.account, command.client_order_id))
        elif isinstance(command, MassQuote):
            self._named.setdefault(command.account, []).append((0, "", ""))  # It may act on any.
        elif not isinstance(command, MassCancel | RenewLease):
            name = (command.order_id, command.original_client_order_id, command.symbol)
            self._named.setdefault(command.account, []).append(name)

    def acts_on_order_of(self, command: Command) -> bool:
        if isinstance(command, Place | MassQuote):
            return True
        if isinstance(command, RenewLease):
            return False
        if isinstance(command, MassCancel):
            return bool(self._placed or self._named)
        if (command.account, command.original_client_order_id) in self._placed:
            return True
        return any(_may_be_one(command, *name) for name in self._named.get(command.account, ()))


def _may_be_one(command: Command, order_id: int, original: str, symbol: str) -> bool:
    assert not isinstance(command, Place | MassCancel | MassQuote | RenewLease)
    if command.order_id and order_id:
        return command.order_id == order_id
    if command.original_client_order_id and original:
        return command.original_client_order_id == original
    return not command.symbol or not symbol or command.symbol == symbol
