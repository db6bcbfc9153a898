"""The environment of svc_match."""

from dataclasses import dataclass

from chassis.settings import Process


@dataclass(frozen=True, kw_only=True)
class Settings(Process):
    """`shard` is the one that this process leads; without `nats_url` nothing is published and all else works."""

    shard: int
    database_url: str
    nats_url: str = ""
