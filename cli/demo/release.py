"""A release while orders go in: half of the sessions move to a second svc_order, and back."""

import asyncio
import sys
from pathlib import Path

import cli
from cli.demo.screen import Screen
from cli.machine import Machine

SERVICE, SUBSET = "svc_order", "canary"
HALF = 0.5


def own_folder() -> Path:
    """Where this version is: its checkout, or the environment that it is installed in."""
    checkout = Path(cli.__file__).resolve().parents[1]
    return checkout if (checkout / ".venv").exists() else Path(sys.prefix)


async def there(machine: Machine, screen: Screen) -> int:
    """Starts the second version, gives it what is opened from now on, and moves half of the sessions. How many moved."""
    mesh = machine.mesh
    version = await asyncio.to_thread(mesh.add_version, SERVICE, SUBSET, own_folder())
    screen.tell(f"a second {SERVICE} ({version.release}) is ready beside the first")
    taken = await asyncio.to_thread(mesh.weigh, SERVICE, {"stable": 0, SUBSET: 100})
    moved = await asyncio.to_thread(mesh.drain, SERVICE, "stable", HALF)
    screen.tell(f"it gets what is opened from now on ({taken:.0f} ms); {moved} streams, half of all, move to it")
    return moved


async def back(machine: Machine, screen: Screen) -> int:
    """Gives everything to the first version again, and ends the second. How many streams moved."""
    mesh = machine.mesh
    await asyncio.to_thread(mesh.weigh, SERVICE, {"stable": 100, SUBSET: 0})
    moved = await asyncio.to_thread(mesh.drain, SERVICE, SUBSET)
    screen.tell(f"{moved} streams move back")
    await asyncio.to_thread(mesh.remove_version, SERVICE, SUBSET)
    screen.tell(f"the second {SERVICE} has answered all that it received, and is gone")
    return moved
