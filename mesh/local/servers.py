"""The servers of Gateways: what Istio admits, and which of two on one port it would serve."""

from collections.abc import Callable, Iterator, Sequence

from mesh.local.admission import PORTS
from mesh.local.document import Document, Json, Problem

HTTPS = "HTTPS"


def hosts_of(server: Json) -> list[str]:
    return [host.rpartition("/")[2].lower() for host in server["hosts"]]


def inadmissible(gateway: Document) -> Iterator[Problem]:
    """What Istio's webhook refuses, and what is not translated."""
    servers = gateway.spec.get("servers") or []
    if not servers:
        yield gateway.problem(("spec",), "needs servers: a Gateway without one serves nothing")
    names: dict[str, int] = {}
    for index, server in enumerate(servers):
        path, port, tls = ("spec", "servers", index), server["port"], server.get("tls") or {}
        if not server["hosts"]:
            yield gateway.problem((*path, "hosts"), "needs a host")
        if not 1 <= port["number"] < PORTS:
            yield gateway.problem((*path, "port", "number"), f"{port['number']} is no port: 1 to {PORTS - 1} are")
        if (first := names.setdefault(port["name"], index)) != index:
            yield gateway.problem((*path, "port", "name"), f"servers[{first}] has the name {port['name']} already")
        if port["protocol"] == HTTPS and not {"mode", "credentialName"} <= tls.keys():
            yield gateway.problem(path, "HTTPS is translated with a mode and a credentialName alone")
        if port["protocol"] != HTTPS and tls.keys() - {"httpsRedirect"}:
            yield gateway.problem((*path, "tls"), f"{port['protocol']} has no TLS: httpsRedirect alone may stand here")


def rival_servers(gateways: Sequence[Document], compete: Callable[[Document, Document], bool]) -> Iterator[Problem]:
    """The later one of each two on one port of a pod that are not told apart, as HTTPS of different hosts is, by the name in the
    client's hello. Of plain text and TLS Istio serves one; plain text of two servers it merges, which is not translated.
    """
    before: list[tuple[Document, int, Json]] = []
    for gateway in gateways:
        for index, server in enumerate(gateway.spec.get("servers") or []):
            path, port = ("spec", "servers", index), server["port"]
            for other, at, first in before:
                if first["port"]["number"] != port["number"] or not (other is gateway or compete(other, gateway)):
                    continue
                where = f"{other.name}'s servers[{at}], in {other.file}:{other.line(('spec', 'servers', at))}"
                if {first["port"]["protocol"], port["protocol"]} != {HTTPS}:
                    said = f"{port['protocol']} beside {first['port']['protocol']} on port {port['number']}, of {where}"
                    why = (
                        "one of them would be served" if HTTPS in said else "one server with the hosts of both would do"
                    )
                    yield gateway.problem((*path, "port", "protocol"), f"{said}: {why}")
                    break
                if other is gateway and (same := set(hosts_of(first)) & set(hosts_of(server))):
                    yield gateway.problem((*path, "hosts"), f"{min(same)} is there already, of {where}")
                    break
            before.append((gateway, index, server))
            if port["protocol"] == HTTPS and len(set(hosts_of(server))) < len(server["hosts"]):
                yield gateway.problem((*path, "hosts"), "a host is there twice: Istio would not serve any of them")
