"""`bourse mesh`: weights, routes, policies, certificates, and whether every Envoy runs what the YAML says."""

import click

from cli.mesh.apply import apply
from cli.mesh.certs import certs
from cli.mesh.check import check
from cli.mesh.policies import policies
from cli.mesh.routes import routes
from cli.mesh.weight import weight


@click.group()
def mesh() -> None:
    """The mesh of the exchange: what goes where, who may call whom, and whether it is so.

    What is in force is the YAML of k8s/base and mesh/istio, with this machine's host name, keys, shards and weights.

    \b
    Examples:
      bourse mesh routes
      bourse mesh weight svc_order stable=90 canary=10
      bourse mesh policies
      bourse mesh check
    """


for command in (apply, certs, check, policies, routes, weight):
    mesh.add_command(command)
