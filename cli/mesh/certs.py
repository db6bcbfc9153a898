"""`bourse mesh certs`: the certificates of the mesh."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from cli.answers import NotReached, Refused, columns, show
from cli.machine import Machine, MachineError
from cli.machine.mesh.envoys import serial_numbers
from cli.machine.mesh.keyring import names_of
from cli.machine.mesh.mesh import Mesh
from cli.options import home_option, json_option
from mesh.local import certificates

HEAD = ("envoy", "identity", "age", "renewed in", "expires in", "in use")


@click.command(short_help="Certificates: whose, how old, when renewed.")
@home_option
@json_option
@click.option("--renew", is_flag=True, help="Make all of them anew first. No open stream notices.")
def certs(home: Path, as_json: bool, renew: bool) -> None:
    """The certificates of the mesh: whose they are, their age, and when they are renewed and expire.

    The certificate authority of this machine issues them for 24 hours, and they are renewed after 16. `in use` says whether
    Envoy has the one that is in its file. Clients of the gateway need the authority's certificate, ca.pem in the
    credentials of the home.

    Exit codes: 0 all are in use, 1 one is not, or has expired.

    \b
    Examples:
      bourse mesh certs
      bourse mesh certs --renew
    """
    mesh = Machine(home).mesh
    try:
        if renew:
            click.echo(f"all renewed after {mesh.renew_certificates():.0f} ms", err=True)
        found = held(mesh)
    except MachineError as error:
        raise (Refused if renew else NotReached)(str(error)) from None
    now = datetime.now(UTC)
    cells = [
        (
            one["envoy"],
            " ".join(one["identity"]),
            duration(now - datetime.fromisoformat(one["issued"])),
            duration(datetime.fromisoformat(one["renewal"]) - now),
            duration(datetime.fromisoformat(one["expiry"]) - now),
            "yes" if one["in_use"] else "no",
        )
        for one in found
    ]
    show(as_json, found, columns(HEAD, cells))
    if not all(one["in_use"] and datetime.fromisoformat(one["expiry"]) > now for one in found):
        raise SystemExit(1)


def held(mesh: Mesh) -> list[dict[str, Any]]:
    """Every secret with a certificate."""
    found = []
    places = mesh.places
    used = {place.folder: serial_numbers(place) for place in places}
    envoys = {place.folder: place.envoy for place in places}
    for secret in mesh.secrets:
        certificate = certificates.held(secret.folder, secret.name)
        if certificate is None:
            raise MachineError(f"{envoys[secret.folder]} has no certificate {secret.name}")
        found.append(
            {
                "envoy": envoys[secret.folder],
                "identity": names_of(certificate),
                "issued": (certificate.not_valid_before_utc + certificates.BACKDATED).isoformat(),
                "renewal": certificates.renewal_time(certificate).isoformat(),
                "expiry": certificate.not_valid_after_utc.isoformat(),
                "in_use": certificate.serial_number in used[secret.folder],
            }
        )
    return found


def duration(time: timedelta) -> str:
    """Such as 15 h 59 min, or 12 s."""
    seconds = int(time.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
