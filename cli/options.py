"""Options that mean the same in every command."""

from pathlib import Path

import click

from cli.machine.home import default_home

home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_home,
    envvar="BOURSE_HOME",
    show_default=".bourse, or $BOURSE_HOME",
    help="The folder of the exchange.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
