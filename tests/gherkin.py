"""Feature files as scenarios of steps, outlines filled in. The files come with the data, not with this project."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "gherkin"
Table = list[dict[str, str]]


class Step(NamedTuple):
    """A step and the rows of its table, heading first."""

    text: str
    rows: list[list[str]]

    def table(self) -> Table:
        return [dict(zip(self.rows[0], row, strict=True)) for row in self.rows[1:]]


class Scenario(NamedTuple):
    """A scenario with its background's steps before its own."""

    name: str
    steps: list[Step]


def scenarios(path: Path) -> Iterator[Scenario]:
    """The scenarios of a feature file; an outline gives one for each example."""
    background: list[Step] = []
    for block in re.split(r"(?m)^\s*(?=Background:|Scenario:|Scenario Outline:)", path.read_text("utf-8"))[1:]:
        head, _, body = block.partition("\n")
        body, _, examples = re.sub(r"(?m)^\s*@.*$", "", body).partition("Examples:")
        if head.startswith("Background"):
            background = steps(body)
            continue
        name = head.partition(":")[2].strip()
        (heading, *rows) = cells(examples) if examples else [[], []]
        for row in rows:
            filled = body
            for key, value in zip(heading, row, strict=True):
                filled = filled.replace(f"<{key}>", value)
            yield Scenario(f"{name} {' '.join(row[:1])}".strip(), background + steps(filled))


def steps(body: str) -> list[Step]:
    found: list[Step] = []
    for line in body.splitlines():
        text = line.strip()
        if text.startswith("|"):
            found[-1].rows.append(cells(text)[0])
        elif re.match(r"(Given|When|Then|And) ", text):
            found.append(Step(text.split(" ", 1)[1], []))
    return found


def cells(text: str) -> list[list[str]]:
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def all_of(*names: str) -> list[object]:
    if not FOLDER.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{FOLDER} is not here"))]
    found = [(name, scenario) for name in names for scenario in scenarios(FOLDER / f"{name}.feature")]
    return [pytest.param(scenario, id=f"{name}: {scenario.name}"[:90]) for name, scenario in found]
