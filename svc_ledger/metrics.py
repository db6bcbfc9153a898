"""Prometheus metrics: histograms observed once a batch, and counts that the parts keep anyway."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from svc_ledger.app import Holds, Settler
from svc_ledger.core.holds import HoldResult

SIZES = (1, 4, 16, 64, 256, 1024, 4096, 16384)
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)

HOLDS = Counter("ledger_holds", "Requests for holds answered", ["state"])
HOLD_BATCH = Histogram("ledger_hold_batch", "Requests in a batch of holds", buckets=SIZES)
HOLD_SECONDS = Histogram("ledger_hold_seconds", "A batch of holds, to its commit", buckets=SECONDS)
SETTLE_BATCH = Histogram("ledger_settle_batch", "Journal messages settled at once", buckets=SIZES)
SETTLE_SECONDS = Histogram("ledger_settle_seconds", "Messages settled at once, to their commit", buckets=SECONDS)
TRANSFER_SECONDS = Histogram("ledger_transfer_seconds", "A batch of an operator's transfers", buckets=SECONDS)


def count_holds(results: Sequence[HoldResult]) -> None:
    """Counts a batch's answers."""
    HOLD_BATCH.observe(len(results))
    for state, count in Tally(result.state for result in results).items():
        HOLDS.labels(state.name.lower()).inc(count)


class Metrics(Collector):
    """Settlement by shard."""

    def __init__(self, holds: Holds, settlers: Mapping[int, Settler]) -> None:
        self._holds = holds
        self._settlers = settlers

    def expose(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Adds them to the registry."""
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """The metrics now."""
        labels = ["shard"]
        sequence = GaugeMetricFamily("ledger_settled_sequence", "Sequence settled", labels=labels)
        lag = GaugeMetricFamily("ledger_lag_seconds", "Journal time heard of, not settled", labels=labels)
        stopped = GaugeMetricFamily("ledger_settlement_stopped", "1 where settlement stopped", labels=labels)
        events = CounterMetricFamily("ledger_events_settled", "Events settled", labels=labels)
        transfers = CounterMetricFamily("ledger_transfers", "Transfers booked for trades", labels=labels)
        expired = CounterMetricFamily("ledger_holds_expired", "Holds released by journal time", labels=labels)
        for shard, settler in self._settlers.items():
            name, cursor = [str(shard)], settler.cursor
            behind_us = self._holds.newest_us.get(shard, cursor.time_us) - cursor.time_us
            sequence.add_metric(name, cursor.sequence)
            lag.add_metric(name, max(0, behind_us) / 1e6)
            stopped.add_metric(name, float(cursor.stopped is not None))
            events.add_metric(name, settler.events)
            transfers.add_metric(name, settler.postings)
            expired.add_metric(name, settler.expired)
        yield from (sequence, lag, stopped, events, transfers, expired)
