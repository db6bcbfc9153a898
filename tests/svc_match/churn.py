"""Orders that come and go, and what a shard remembers of them."""

from svc_match.core import snapshot
from tests.svc_match.transcript import Desk
from tests.svc_match.twin import of_the_date


def market(*lines: str) -> Desk:
    """An open one, in which this was said."""
    desk = Desk()
    for line in ("add ACME", "date 20260105", "phase ACME open", *lines):
        desk.say(line)
    return desk


def come_and_go(desk: Desk, order: str, orders: int, batch: int, restored_at: int) -> None:
    """Places so many such orders and cancels them, a batch after the other. A shard that is restored on the way, and told the same
    from then on, is to have the same state in the end.
    """
    core, restored = desk.engine, None
    for first in range(0, orders, batch):
        lines = [f"alice buy i{n} {order}" for n in range(first, first + batch)]
        lines += [f"alice cancel x{n} i{n}" for n in range(first, first + batch)]
        said = [desk.command(line) for line in lines]
        core.apply(said, 10)
        if restored is not None:
            restored.apply(said, 10)
        elif first == restored_at:
            restored = snapshot.load(snapshot.encode(core), of_the_date(core))
    assert restored is not None
    assert snapshot.state_hash(restored) == snapshot.state_hash(core), "both forgot the same at the same time"
