"""What one machine runs, in the order of its start."""

from collections.abc import Collection

from cli.machine.credentials import Credentials
from cli.machine.home import Home, Layout, MachineError
from cli.machine.nats import Nats
from cli.machine.postgres import Postgres
from cli.machine.program import Program
from cli.machine.service import Service


def programs(home: Home, layout: Layout, credentials: Credentials, only: Collection[str] = ()) -> list[Program]:
    """PostgreSQL, NATS, the shards of svc_match and the other services; or those of them that are named."""
    postgres = Postgres(home, credentials, layout.ports["postgres"])
    nats = Nats(home, credentials, layout.ports["nats"], layout.shards)
    found: list[Program] = [postgres, nats]
    for name, service in layout.services.items():
        urls = postgres.url(service), nats.url(service)
        found.append(Service(name, service, layout, credentials, urls))
    if unknown := set(only) - {program.name for program in found}:
        raise MachineError(f"no process is named {', '.join(sorted(unknown))}")
    return [program for program in found if not only or program.name in only]
