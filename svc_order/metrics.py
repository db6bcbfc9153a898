"""The service's metrics in one place, so that their names can be read without the code that counts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

SIZES = (1, 4, 16, 64, 256, 1024, 4096)
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """Counters and histograms of order entry and of history."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.commands = Counter("order_commands", "Commands answered, by outcome", ["outcome"], registry=registry)
        self.refusals = Counter(
            "order_refusals", "Commands refused or rejected, by reason", ["reason"], registry=registry
        )
        self.ended = Counter(
            "order_sessions_ended", "Sessions that ended with an open outcome, by reason", ["reason"], registry=registry
        )
        self.resends = Counter(
            "order_resends", "Sessions whose unanswered commands the service sent again", registry=registry
        )
        self.sessions = Gauge("order_sessions", "Sessions and unary calls that are open", registry=registry)
        self.batch = Histogram("order_batch_size", "Commands a batch", ["stage"], buckets=SIZES, registry=registry)
        self.seconds = Histogram(
            "order_stage_seconds", "Time of a batch", ["stage"], buckets=SECONDS, registry=registry
        )
        self.flying = Gauge(
            "order_batches_in_flight", "Batches that wait for their answer", ["stage"], registry=registry
        )
        self.sequence = Gauge("order_history_sequence", "Sequence that history is at", ["shard"], registry=registry)
        self.lag = Gauge(
            "order_history_lag_seconds", "Age of the last event in history when stored", ["shard"], registry=registry
        )

    @contextmanager
    def stage(self, name: str, size: int) -> Iterator[None]:
        """Counts one batch of a stage and its time, also when it fails."""
        begin = time.perf_counter()
        flying = self.flying.labels(name)
        flying.inc()
        try:
            yield
        finally:
            flying.dec()
            self.batch.labels(name).observe(size)
            self.seconds.labels(name).observe(time.perf_counter() - begin)
