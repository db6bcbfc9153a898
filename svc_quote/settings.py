"""The environment, frozen."""

from dataclasses import dataclass, field

from chassis.settings import Process
from svc_quote.core.tape import TAPE_LIMIT


@dataclass(frozen=True, kw_only=True)
class Settings(Process):
    """What svc_quote is told. `match_shards` names the address of each shard of svc_match."""

    database_url: str
    nats_url: str
    match_shards: dict[int, str] = field()
    checkpoint_seconds: float = 1.0
    tape_limit: int = TAPE_LIMIT
