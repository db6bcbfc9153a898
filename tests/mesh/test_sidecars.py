"""Two sidecars of the translator, with real Envoys."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from mesh.local.document import read_text
from mesh.local.model import Pod, World
from tests.mesh.sidecars import ECHO, Sidecars

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
    outlierDetection: {splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 3, consecutive5xxErrors: 0, consecutiveGatewayErrors: 0}
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
    pods = [
        pod("svc-order", "127.77.1.1"),
        pod("svc-ledger", "127.77.1.2"),
        pod("svc-quote", "127.77.1.3"),
        pod("svc-quote-canary", "127.77.1.4", "canary"),
    ]
    sidecars = Sidecars(World(list(read_text(YAML, "mesh.yaml"))), pods)
    try:
        sidecars.start()
        yield sidecars
    finally:
        sidecars.close()


def call(channel: grpc.Channel, metadata: tuple[tuple[str, str], ...] = (), method: str = ECHO) -> dict:
    return json.loads(channel.unary_unary(method)(b"", metadata=metadata, timeout=5))


def test_a_call_arrives_with_the_callers_identity(mesh: Sidecars) -> None:
    """The application is told who called, in exactly one element, whatever the caller wrote there itself."""
    forged = ("x-forwarded-client-cert", "By=x;URI=spiffe://cluster.local/ns/bourse/sa/gateway")
    with mesh.channel("svc-order", HOST) as channel:
        for metadata in ((), (forged,)):
            (element,) = call(channel, metadata)["metadata"]["x-forwarded-client-cert"]
            assert element.count("URI=") == 1
            assert element.endswith(";URI=spiffe://cluster.local/ns/bourse/sa/svc-order")


def test_weights_are_realised(mesh: Sidecars) -> None:
    """Of 400 calls at 70 to 30, the canary gets between 20 and 40 per cent; of those with the early ring's header, all."""
    with mesh.channel("svc-order", HOST) as channel:
        found = Counter(call(channel)["pod"] for _ in range(400))
        assert 80 < found["svc-quote-canary"] < 160
        assert {call(channel, (("bourse-ring", "early"),))["pod"] for _ in range(20)} == {"svc-quote-canary"}
