"""Prometheus metrics, read from the counts that the parts keep anyway."""

from collections.abc import Iterable, Mapping

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from svc_quote.app import Quotes
from svc_quote.bus import Feed
from svc_quote.fanout import Fanout


class Metrics(Collector):
    """What svc_quote does; nothing is counted on the way."""

    def __init__(self, quotes: Quotes, fanout: Fanout, feeds: Mapping[int, Feed]) -> None:
        self._quotes = quotes
        self._fanout = fanout
        self._feeds = feeds

    def expose(self, registry: CollectorRegistry = REGISTRY) -> None:
        """Adds them to the registry."""
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """The metrics now."""
        fanout = self._fanout
        yield CounterMetricFamily("quote_events_applied", "Public events applied", self._quotes.events)
        yield CounterMetricFamily("quote_responses_sent", "Responses given to streams", fanout.sent)
        yield CounterMetricFamily(
            "quote_states_conflated", "Changes that a slow reader never saw alone", fanout.conflated
        )
        yield CounterMetricFamily("quote_readers_behind", "Readers of trades told that they fell behind", fanout.behind)
        yield GaugeMetricFamily("quote_streams_open", "Streams that are open", fanout.streams)
        sequence = GaugeMetricFamily("quote_sequence", "Sequence applied", labels=["shard"])
        lag = GaugeMetricFamily(
            "quote_lag_events", "Events of the journal, as last seen, not applied", labels=["shard"]
        )
        unstored = GaugeMetricFamily("quote_trades_unstored", "Trades in memory alone", labels=["shard"])
        for number, shard in self._quotes.shards.items():
            sequence.add_metric([str(number)], shard.sequence)
            lag.add_metric([str(number)], max(0, self._feeds[number].journal_sequence - shard.sequence))
            unstored.add_metric([str(number)], shard.trades - shard.stored_trades)
        yield from (sequence, lag, unstored)
