"""`bourse gateway`: where brokers and operators come in, and whom to believe there."""

from pathlib import Path

import click

from cli.answers import NotReached, Refused, show
from cli.clients import ca_file, gateway_address, running
from cli.machine import Machine, MachineError
from cli.options import home_option, json_option

WORDS = """address    {address}
authority  {ca_file}

  bourse token --participant alpha --output alpha.jwt
  curl --http1.1 --cacert {ca_file} -H "authorization: Bearer $(cat alpha.jwt)" \\
    https://{address}/bourse.quote.v1.QuoteService/ListInstruments -d '{{}}'"""


@click.command()
@click.option("--address", "only", flag_value="address", help="Print host:port alone.")
@click.option("--ca-file", "only", flag_value="ca_file", help="Print the file of the authority alone.")
@home_option
@json_option
def gateway(only: str | None, home: Path, as_json: bool) -> None:
    """Where clients come in, and the certificate authority (PEM) that they are to believe; each needs a token besides.

    \b
    Examples:
      bourse gateway
      grpcurl -cacert "$(bourse gateway --ca-file)" -H "authorization: Bearer $(bourse token --operator)" \\
        "$(bourse gateway --address)" list
    """
    machine = Machine(home)
    try:
        state = running(machine)
    except MachineError as error:
        raise NotReached(str(error)) from None
    if not state.mesh:
        raise Refused("this exchange has no gateway: start it with `bourse up --mesh`")
    found = {"address": gateway_address(machine), "ca_file": str(ca_file(machine))}
    show(as_json, found, [found[only] if only else WORDS.format(**found)])
