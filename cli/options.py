"""Options that mean the same in every command."""

import math
import os
from pathlib import Path
from typing import Any

import click

from cli.machine.home import default_home


class RegularFile(click.Path):
    """A file that is there and ends: no folder, no device, no pipe."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        if not Path(os.fsdecode(path)).is_file():
            self.fail(f"{os.fsdecode(path)!r} is not a regular file", param, ctx)
        return path


class Number(click.FloatRange):
    """A number within its bounds, which NaN is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


# -5 is an argument then, for the checks, and no option.
NEGATIVE_NUMBERS = {"ignore_unknown_options": True}

home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_home,
    envvar="BOURSE_HOME",
    show_default=".bourse, or $BOURSE_HOME",
    help="The folder of the exchange.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
