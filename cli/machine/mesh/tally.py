"""How many messages each version had, though an Envoy's counters begin anew with it, and with a cluster that is made anew."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Counters = Mapping[str, int]


@dataclass
class Tally:
    """`messages` by service and subset, since the weights changed last or that version began; `read`: what each Envoy said last,
    by cluster.

    A counter that is smaller than it was, or gone, has begun anew, and all that it says now is new. One that has grown beyond
    what it was before it was read again hides what it was: so it is read often, and before an Envoy is given anything else.
    """

    messages: dict[str, dict[str, int]] = field(default_factory=dict)
    read: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, readings: Mapping[str, Counters]) -> bool:
        """Later than all before. An Envoy that did not answer is not among them: what it said last is kept.

        Whether any says anything else than it did.
        """
        news = {envoy: dict(counters) for envoy, counters in readings.items() if counters != self.read.get(envoy)}
        for envoy, counters in news.items():
            before = self.read.get(envoy, {})
            for cluster, count in counters.items():
                last = before.get(cluster, 0)
                if more := count - last if count >= last else count:
                    service, subset = version_of(cluster)
                    own = self.messages.setdefault(service, {})
                    own[subset] = own.get(subset, 0) + more
        self.read |= news
        return bool(news)

    def forget(self, service: str, subset: str, envoy: str) -> None:
        """A version that is gone, and its Envoy: what is added later under their names has had nothing yet."""
        self.messages.get(service, {}).pop(subset, None)
        self.read.pop(envoy, None)

    def start(self) -> None:
        """From here on."""
        self.messages = {}


def version_of(cluster: str) -> tuple[str, str]:
    """Service and subset of a cluster named as Istio names it: outbound|50051|canary|svc-order.bourse.svc.cluster.local."""
    _, _, subset, host = cluster.split("|")
    return host.partition(".")[0].replace("-", "_"), subset
