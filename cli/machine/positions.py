"""How far each process is, by its own metrics: the sequence of each shard that it has reached, and what it lags behind."""

import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

METRICS_SECONDS = 1.0
METRICS_BYTES_LIMIT = 4 << 20
SEQUENCES = {"match_sequence", "ledger_settled_sequence", "order_history_sequence", "quote_sequence"}
PUBLISHED_LAG = "match_published_lag_events"
CORE = "match_core_compiled"


def positions(name: str, metrics: str) -> tuple[dict[int, int], dict[str, int], str | None]:
    """The process's sequence by shard, and of a shard's own process the lag of each of its streams in events, and how its
    core runs. Empty where it has none, or does not answer.
    """
    try:
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=METRICS_SECONDS) as answer:
            text = answer.read(METRICS_BYTES_LIMIT).decode()
    except (urllib.error.URLError, OSError):
        return {}, {}, None
    own_shard = name.rpartition("-")[2]
    sequences, lags, core = {}, {}, None
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in SEQUENCES:
                sequences[int(sample.labels.get("shard", own_shard))] = int(sample.value)
            elif sample.name == PUBLISHED_LAG:
                lags[sample.labels["stream"]] = int(sample.value)
            elif sample.name == CORE:
                core = "compiled" if sample.value else "interpreted"
    return sequences, lags, core


def lag(sequences: dict[int, int], journal: dict[int, int]) -> int:
    """How many events a consumer is behind the journal, over all shards that both know."""
    return sum(max(0, journal[shard] - sequence) for shard, sequence in sequences.items() if shard in journal)
