"""README's tours, typed as they stand, in one terminal, from the top: a market, a broker, curl, grpcurl, a release engineer.
And what docs/gateway.md shows, on the same market.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.machine import Machine
from tests.exchange import ended

REPOSITORY = Path(__file__).parents[2]
MARKET, DAY, BROKER, CURL, RELEASE = (
    "A market in a minute",
    "A trading day",
    "For a broker",
    "With curl, or with grpcurl",
    "For a release engineer",
)
SECONDS = 240.0
PROGRAM = re.compile(r"^```python\n# (\w+\.py)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"(?:^ {4}.*\n)+", re.MULTILINE)
VARIABLE = re.compile(r"^[A-Z]+=.*$", re.MULTILINE)


class Terminal:
    """A folder with the checkout's files in it, and what was typed there so far. The exchange's home is in it too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bourse"
        self.folder.mkdir()
        for name in (".venv", "docs", "protos", "sdk"):
            (self.folder / name).symlink_to(REPOSITORY / name)
        (folder / "bourse-next").symlink_to(REPOSITORY)  # as if it were another checkout
        self.machine = Machine(self.folder / ".bourse")
        self._variables: list[str] = []

    def type(self, text: str) -> str:
        """What it prints. Ends at the first command that fails, and says what that printed."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BOURSE_")}
        script = "\n".join(["set -euo pipefail", *self._variables, text])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=environment | {"BOURSE_HOME": str(self.machine.home.folder)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        self._variables += VARIABLE.findall(text)
        return done.stdout


def section(title: str) -> str:
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", README, re.DOTALL | re.MULTILINE)
    return str(found)


def blocks(text: str) -> list[str]:
    """What is to be typed, block by block."""
    shell = PROGRAM.sub("", text)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in BLOCK.findall(shell)]


README = (REPOSITORY / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """After the market's tour."""
    terminal = Terminal(tmp_path_factory.mktemp("tour"))
    with ended(terminal.machine):
        for block in blocks(section(MARKET)):
            terminal.type(block)
        yield terminal


def test_a_day_has_its_auctions(terminal: Terminal) -> None:
    """From the opening auction over a volatility auction and a halt to the closing one; all is reconciled."""
    printed = "".join([terminal.type(block) for block in blocks(section(DAY))])
    assert "auction: 200 at 8.45, 100 more to sell" in printed
    assert "auction: 20 at 9.00, 30 more to buy" in printed
    assert printed.count("  auction\n") == 4
    assert "clean: no breaks" in printed


@pytest.fixture(scope="module")
def broker(terminal: Terminal) -> tuple[Terminal, str]:
    """After the broker's tour, with what it printed."""
    for name, text in PROGRAM.findall(section(BROKER)):
        (terminal.folder / name).write_text(text)
    return terminal, "".join([terminal.type(block) for block in blocks(section(BROKER))])


def test_the_broker_places_an_order_by_the_sdk(broker: tuple[Terminal, str]) -> None:
    """With an address, an authority and a token."""
    _, printed = broker
    assert "alpha/main" in printed


@pytest.mark.parametrize("tool", ["curl", "grpcurl"])
def test_the_broker_places_an_order_by(broker: tuple[Terminal, str], tool: str) -> None:
    terminal, _ = broker
    assert '"order_id"' in typed(terminal, section(CURL), tool)


@pytest.mark.parametrize(
    ("tool", "words"),
    [("curl", ["ACME", "OUTCOME_ACCEPTED"]), ("grpcurl", ["bourse.quote.v1.QuoteService", "ACME", "shard"])],
)
def test_the_gateway_as_written(terminal: Terminal, tool: str, words: list[str]) -> None:
    """What docs/gateway.md shows to be typed lists the services, places an order and asks a shard."""
    printed = typed(terminal, (REPOSITORY / "docs" / "gateway.md").read_text("utf-8"), tool)
    assert all(word in printed for word in words), printed


def typed(terminal: Terminal, text: str, tool: str) -> str:
    """What the text's commands of that tool print, after the variables that it sets first."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    variables, *commands = blocks(text)
    terminal.type(variables)
    return "".join(terminal.type(block) for block in commands if block.startswith(f"{tool} "))


def test_the_release_engineer_releases_and_looks(terminal: Terminal) -> None:
    """Everything is in step at the end, and nothing of the second version is left."""
    release, looks = blocks(section(RELEASE))
    assert "canary" in terminal.type(release)
    assert "spiffe://cluster.local/ns/bourse/sa/svc-order" in terminal.type(looks)
    assert "canary" not in terminal.type(".venv/bin/bourse version list")
