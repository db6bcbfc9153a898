"""The environment of svc_order."""

from dataclasses import dataclass

from chassis.settings import Process


@dataclass(frozen=True, kw_only=True)
class Settings(Process):
    """What svc_order is told; see chassis.settings for how it is read."""

    database_url: str
    nats_url: str
    ledger: str
    match_shards: dict[int, str]
