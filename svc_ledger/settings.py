"""The environment, frozen."""

from dataclasses import dataclass

from chassis.settings import Process


@dataclass(frozen=True, kw_only=True)
class Settings(Process):
    """What svc_ledger is told. `match_shards` names the address of each shard of svc_match.

    A hold lives `hold_seconds` of journal time unless an order binds it; settlement that lags more refuses new holds.
    """

    database_url: str
    nats_url: str
    match_shards: dict[int, str]
    hold_seconds: float = 5.0
