"""What the translator makes of a small mesh, with real Envoys."""

import copy
import json
import queue
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from mesh.local.confirmed import behind, words
from mesh.local.document import Json, read_text
from mesh.local.drift import drift
from mesh.local.files import listener_file, push
from mesh.local.model import Pod, World
from tests.mesh.sidecars import ECHO, STREAM, Sidecars, fresh_addresses
from tests.waiting import eventually

YAML = """
apiVersion: v1
kind: Service
metadata: {name: svc-quote, namespace: bourse}
spec:
  selector: {app: svc-quote}
  ports: [{name: grpc, port: 50051, targetPort: 50051, appProtocol: grpc}]
---
apiVersion: v1
kind: Service
metadata: {name: svc-order, namespace: bourse}
spec:
  selector: {app: svc-order}
  ports: [{name: grpc, port: 50051, targetPort: 50051, appProtocol: grpc}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    trustDomain: cluster.local
    outboundTrafficPolicy: {mode: REGISTRY_ONLY}
    defaultHttpRetryPolicy: {attempts: 0}
    defaultConfig:
      proxyHeaders: {forwardedClientCert: SANITIZE_SET}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: bourse}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: svc-quote, namespace: bourse}
spec:
  selector: {matchLabels: {app: svc-quote}}
  rules:
  - from: [{source: {principals: [cluster.local/ns/bourse/sa/svc-order]}}]
    to: [{operation: {ports: ["50051"], paths: [/bourse.test.v1.EchoService/*]}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: svc-quote, namespace: bourse}
spec:
  host: svc-quote.bourse.svc.cluster.local
  trafficPolicy:
    tls: {mode: ISTIO_MUTUAL}
    connectionPool: {tcp: {connectTimeout: 1s}, http: {http2MaxRequests: 10000}}
    outlierDetection:
      splitExternalLocalOriginErrors: true
      consecutiveLocalOriginFailures: 3
      consecutive5xxErrors: 0
      consecutiveGatewayErrors: 0
  subsets:
  - {name: stable, labels: {version: stable}}
  - {name: canary, labels: {version: canary}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: svc-quote, namespace: bourse}
spec:
  hosts: [svc-quote.bourse.svc.cluster.local]
  http:
  - name: early
    match: [{headers: {bourse-ring: {exact: early}}}]
    route: [{destination: {host: svc-quote.bourse.svc.cluster.local, subset: canary}}]
  - name: primary
    route:
    - {destination: {host: svc-quote.bourse.svc.cluster.local, subset: stable}, weight: 70}
    - {destination: {host: svc-quote.bourse.svc.cluster.local, subset: canary}, weight: 30}
    timeout: 5s
"""
HOST = "svc-quote.bourse.svc.cluster.local:50051"


def pod(name: str, address: str, version: str = "stable") -> Pod:
    app = name.removesuffix("-canary")
    return Pod(name, app, {"app": app, "version": version}, address, Path(tempfile.mkdtemp(prefix="s-")))


@pytest.fixture(scope="module")
def mesh() -> Iterator[Sidecars]:
    addresses = fresh_addresses()
    pods = [
        pod("svc-order", next(addresses)),
        pod("svc-ledger", next(addresses)),
        pod("svc-quote", next(addresses)),
        pod("svc-quote-canary", next(addresses), "canary"),
    ]
    sidecars = Sidecars(World(list(read_text(YAML, "mesh.yaml"))), pods)
    try:
        sidecars.start()
        yield sidecars
    finally:
        sidecars.close()


def call(channel: grpc.Channel, metadata: tuple[tuple[str, str], ...] = (), method: str = ECHO) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(channel.unary_unary(method)(b"", metadata=metadata, timeout=5))
    return answer


def refusal(channel: grpc.Channel, method: str = ECHO, request: bytes = b"") -> tuple[grpc.StatusCode, str]:
    """How the call ends that is not answered."""
    with pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary(method)(request, timeout=5)
    return refused.value.code(), refused.value.details()


def weighted(stable: int, canary: int) -> Json:
    """The VirtualService with other weights."""
    document = next(document for document in read_text(YAML, "mesh.yaml") if document.kind == "VirtualService")
    body = copy.deepcopy(document.body)
    ways = body["spec"]["http"][-1]["route"]
    ways[0]["weight"], ways[1]["weight"] = stable, canary
    return body


def test_a_call_arrives_with_the_callers_identity(mesh: Sidecars) -> None:
    """The application is told who called, in exactly one element, whatever the caller wrote there itself."""
    forged = ("x-forwarded-client-cert", "By=x;URI=spiffe://cluster.local/ns/bourse/sa/gateway")
    with mesh.channel("svc-order", HOST) as channel:
        for metadata in ((), (forged,), (forged, forged)):
            (element,) = call(channel, metadata)["metadata"]["x-forwarded-client-cert"]
            assert element.count("URI=") == 1
            assert "," not in element
            assert element.endswith(";URI=spiffe://cluster.local/ns/bourse/sa/svc-order")


def test_weights_are_realised(mesh: Sidecars) -> None:
    """Of 400 calls at 70 to 30, the canary gets between 20 and 40 per cent; of those with the early ring's header, all."""
    with mesh.channel("svc-order", HOST) as channel:
        found = Counter(call(channel)["pod"] for _ in range(400))
        assert 80 < found["svc-quote-canary"] < 160
        assert {call(channel, (("bourse-ring", "early"),))["pod"] for _ in range(20)} == {"svc-quote-canary"}


def test_another_principal_is_denied(mesh: Sidecars) -> None:
    """A service that no policy names gets PERMISSION_DENIED, and one that is named gets it for a method that is not its own."""
    with mesh.channel("svc-ledger", HOST) as channel:
        assert refusal(channel) == (grpc.StatusCode.PERMISSION_DENIED, "RBAC: access denied")
    with mesh.channel("svc-order", HOST) as channel:
        assert refusal(channel, "/bourse.test.v1.OtherService/Echo")[0] is grpc.StatusCode.PERMISSION_DENIED


def test_an_unknown_host_is_refused(mesh: Sidecars) -> None:
    """Nobody is called whom the mesh does not know: UNAVAILABLE at once, as Istio's REGISTRY_ONLY."""
    with mesh.channel("svc-order", "example.org:443") as channel:
        assert refusal(channel)[0] is grpc.StatusCode.UNAVAILABLE


def test_plaintext_is_refused(mesh: Sidecars) -> None:
    """At the address where a sidecar listens, a call without mutual TLS never arrives, and neither does one without a certificate."""
    where = f"{mesh.pods['svc-quote'].address}:50051"
    root = mesh.authority.certificate.read_bytes()
    with grpc.insecure_channel(where) as channel:
        assert refusal(channel)[0] is grpc.StatusCode.UNAVAILABLE
    with grpc.secure_channel(where, grpc.ssl_channel_credentials(root)) as channel:
        assert refusal(channel)[0] is grpc.StatusCode.UNAVAILABLE


def test_what_a_service_says_ejects_nobody(mesh: Sidecars) -> None:
    """UNAVAILABLE from the application itself is the caller's answer, once, and its endpoint stays."""
    with mesh.channel("svc-order", HOST) as channel:
        retried = mesh.admin("svc-order").counters("upstream_rq_retry$")
        assert {refusal(channel, request=b"UNAVAILABLE") for _ in range(10)} == {
            (grpc.StatusCode.UNAVAILABLE, "as asked")
        }
        assert mesh.admin("svc-order").counters("upstream_rq_retry$") == retried
        assert set(mesh.admin("svc-order").counters("ejections_active$").values()) == {0}
        call(channel)


def test_a_weight_acts_at_once(mesh: Sidecars) -> None:
    """Of ten changes of a weight the fastest acts, on all calls, within 50 ms of the change; the others wait for this machine."""
    before, milliseconds = mesh.world, []
    with mesh.channel("svc-order", HOST) as channel:
        call(channel)
        for turn in range(10):
            wanted = ("svc-quote", "svc-quote-canary")[turn % 2]
            began = time.perf_counter()
            mesh.world = before.changed([weighted(100 * (1 - turn % 2), 100 * (turn % 2))])
            assert mesh.push("svc-order") == ["rds/egress.json"]
            eventually(lambda wanted=wanted: call(channel)["pod"] == wanted)
            milliseconds.append((time.perf_counter() - began) * 1000)
            assert {call(channel)["pod"] for _ in range(10)} == {wanted}
    mesh.world = before
    mesh.push("svc-order")
    assert min(milliseconds) < 50, [round(value, 1) for value in milliseconds]


def test_an_unready_endpoint_gets_no_call(mesh: Sidecars) -> None:
    """A pod that is not ready is taken out and comes back when it is, by a change of the clusters alone; a stream to it goes on."""
    ready = mesh.pods["svc-quote-canary"]
    early, requests = (("bourse-ring", "early"),), queue.SimpleQueue[bytes | None]()
    with mesh.channel("svc-order", HOST) as channel:
        answers = channel.stream_stream(STREAM)(iter(requests.get, None), metadata=early)
        requests.put(b"")
        next(answers)
        mesh.pods["svc-quote-canary"] = replace(ready, ready=False)
        assert mesh.push("svc-order") == ["cds/clusters.json"]
        eventually(lambda: is_refused(channel, early))
        requests.put(b"")
        assert json.loads(next(answers))["pod"] == "svc-quote-canary"
        mesh.pods["svc-quote-canary"] = ready
        mesh.push("svc-order")
        eventually(lambda: not is_refused(channel, early))
        requests.put(None)
        assert list(answers) == []


def is_refused(channel: grpc.Channel, metadata: tuple[tuple[str, str], ...]) -> bool:
    try:
        call(channel, metadata)
    except grpc.RpcError:
        return True
    return False


def test_what_envoy_refuses_is_said_in_its_own_words(mesh: Sidecars) -> None:
    """Of a push that Envoy does not take its own words are told, and it goes on with what it ran."""
    admin, pod, folder = mesh.admin("svc-order"), mesh.pods["svc-order"], mesh.folder_of("svc-order")
    good = mesh.made("svc-order", mesh.world)
    (table,) = good.routes
    doubled = replace(good, routes=({**table, "virtual_hosts": [*table["virtual_hosts"], table["virtual_hosts"][0]]},))
    log = folder / "envoy.log"
    told = log.stat().st_size
    push(folder, doubled)
    eventually(lambda: "Only unique values for domains are permitted" in words(log, told))
    assert behind(admin.versions(), doubled) == ["routes egress"]
    with mesh.channel("svc-order", HOST) as channel:
        call(channel)
    found = drift(mesh.world, pod, list(mesh.pods.values()), folder)
    assert "svc-order: rds/egress.json is not what the YAML makes" in found
    mesh.run("svc-order", mesh.world)


def test_drift_is_named(mesh: Sidecars) -> None:
    """There is none in a mesh that was let alone; a weight that was not pushed, and an edited file, are found by their names."""
    pods, pod, folder = list(mesh.pods.values()), mesh.pods["svc-order"], mesh.folder_of("svc-order")
    for name in mesh.pods:
        eventually(lambda name=name: not drift(mesh.world, mesh.pods[name], pods, mesh.folder_of(name)))
    found = drift(mesh.world.changed([weighted(1, 99)]), pod, pods, folder)
    assert found[0] == "svc-order: rds/egress.json is not what the YAML makes"
    assert found[1].startswith("svc-order: routes egress at version ")
    assert all(" refused " in line for line in found[2:])
    edited = listener_file(folder)
    text = edited.read_text()
    edited.write_text(text.replace('"codec_type": "AUTO"', '"codec_type": "HTTP1"'))
    assert drift(mesh.world, pod, pods, folder) == ["svc-order: lds/listeners.json is not what the YAML makes"]
    edited.write_text(text)


def test_envoy_knows_every_field_that_it_is_given(mesh: Sidecars) -> None:
    """No Envoy warned of a field that it does not know, or that is deprecated: but for the one that limits calls as Istio does."""
    for name in mesh.pods:
        warnings = [line for line in mesh.log(name).splitlines() if "nknown field" in line or "eprecated" in line]
        assert [line for line in warnings if "RouteAction.max_grpc_timeout'" not in line] == []


def test_an_envoy_takes_few_of_a_users_watches(mesh: Sidecars) -> None:
    """However many services a sidecar knows, it takes five inotify instances, of which a user has 128."""
    for name in mesh.pods:
        files = Path(f"/proc/{mesh.pid(name)}/fd")
        assert sum("inotify" in str(file.readlink()) for file in files.iterdir()) == 5


MISSPELT = """
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: misspelt, namespace: bourse}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match: {listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}}
    patch:
      operation: INSERT_FIRST
      value:
        name: envoy.filters.http.buffer
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, max_request_bites: 1}
"""


def test_a_field_that_envoy_does_not_have_is_refused(mesh: Sidecars) -> None:
    """In the value of an EnvoyFilter, by its name; Envoy goes on with what it ran."""
    admin, folder = mesh.admin("svc-order"), mesh.folder_of("svc-order")
    misspelt = mesh.made("svc-order", mesh.world.changed(list(read_text(MISSPELT, "own.yaml"))))
    log = folder / "envoy.log"
    told = log.stat().st_size
    push(folder, misspelt)
    eventually(lambda: "'max_request_bites'" in words(log, told))
    assert behind(admin.versions(), misspelt) == ["listener_manager.lds"]
    mesh.run("svc-order", mesh.world)
