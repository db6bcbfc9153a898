"""The life of a process: its exit code tells the truth, and a signal ends it in order."""

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio
from chassis.process import run
from chassis.settings import Process

async def work():
    await asyncio.Event().wait()

async def fail():
    raise ValueError("broken")

async def main(process):
    process.spawn({spawned}())
    print("up", flush=True)
    await process.stop.wait()
    print("drained", flush=True)
    {stuck}

run(Process(name="p", listen="", jwks="", jwt_issuer="", jwt_audience="", token_file=""), main)
"""


def start(spawned: str = "work", stuck: str = "") -> subprocess.Popen[str]:
    """The program, started, its main waiting for the signal."""
    code = PROGRAM.format(spawned=spawned, stuck=stuck)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True, env=os.environ)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_main_end_in_order(number: signal.Signals) -> None:
    """Main goes on behind `stop`, background tasks are cancelled, and the exit code is 0."""
    process = start()
    process.send_signal(number)
    said, logged = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "drained\n")
    assert '"event": "stopped"' in logged


def test_a_second_signal_cuts_main_short() -> None:
    """A main that does not end is cancelled by the second signal, and the exit code says so."""
    process = start(stuck="await work()")
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.readline() == "drained\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 1


def test_a_failed_background_task_ends_the_process() -> None:
    """Crash-only: the process exits with 1 and logs why."""
    process = start(spawned="fail")
    said, logged = process.communicate(timeout=20)
    assert (process.returncode, said) == (1, "")
    assert "broken" in logged
