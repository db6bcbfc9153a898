"""A release under load: weights 0, 10, 50, 100, 0 of a second version of this checkout, and what became of every order.

For each step: the weight, the second version's realised share of the open streams and of the messages, the streams that were
told to move, the orders acknowledged, and how many failed, are lost, doubled, or out of order. svc_order's drop copies and
svc_quote's tapes are compared too. Exit code 0: nothing went wrong, at the pace that was asked for.
"""

import argparse
import asyncio
import sys
from math import sqrt
from pathlib import Path

from bench._conditions import conclude
from tests.exchange import running_exchange
from tests.mesh.release import FEW, Step, release

CHECKOUT = Path(__file__).resolve().parents[1]
SERVICES = ("svc_order", "svc_ledger", "svc_quote")
HEAD = ("weight", "streams", "messages", "moved", "acknowledged", "orders/s", "failed", "lost", "doubled", "disordered")
DEVIATIONS = 4


def measure(options: argparse.Namespace) -> bool:
    with running_exchange(mesh=True) as exchange:
        found = {
            service: asyncio.run(
                release(
                    exchange,
                    service,
                    options.folder,
                    seconds=options.seconds,
                    sessions=options.sessions,
                    orders_per_second=options.rate * options.ahead,
                )
            )
            for service in options.service or SERVICES
        }
    problems = [
        f"{service} at {step.weight} %: {problem}"
        for service, steps in found.items()
        for step in steps
        for problem in wrong(service, step, options)
    ]
    for service, steps in found.items():
        print(f"{service}\n" + " ".join(f"{name:>12}" for name in HEAD))
        for step in steps:
            print(" ".join(f"{cell:>12}" for cell in cells(step)))
        print()
    verdict = "PASSED" if not problems else "FAILED: " + "; ".join(problems)
    conclude(
        "release",
        [
            ("sessions", options.sessions),
            ("orders/s, slowest step", min(step.orders_per_second for steps in found.values() for step in steps)),
            ("verdict", verdict),
        ],
        {
            "steps": {
                service: [dict(zip(HEAD, cells(step), strict=True)) for step in steps]
                for service, steps in found.items()
            },
            "passed": not problems,
        },
    )
    return not problems


def cells(step: Step) -> tuple[str, ...]:
    found = step.wrong
    return (
        f"{step.weight} %",
        f"{step.share:.1%}",
        f"{step.messages:.1%}",
        str(step.moved),
        str(step.acknowledged),
        f"{step.orders_per_second:.0f}",
        *(str(number) for number in (found.failed, found.lost, found.doubled, found.disordered)),
    )


def wrong(service: str, step: Step, options: argparse.Namespace) -> list[str]:
    """What of the step is not as it should be. Streams are drawn: their share is the weight but for chance."""
    found = [] if step.wrong.none else [str(step.wrong)]
    weight = step.weight / 100
    draws = len(step.streams) if service == FEW else options.sessions
    if abs(step.share - weight) > DEVIATIONS * sqrt(weight * (1 - weight) / max(1, draws)):
        found.append(f"{step.share:.1%} of the streams")
    if step.orders_per_second < options.rate:
        found.append(f"{step.orders_per_second:.0f} orders/s")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.release", description=__doc__)
    parser.add_argument("--service", action="append", choices=SERVICES, help="svc_order, ... (all three, one by one)")
    parser.add_argument("--folder", type=Path, default=CHECKOUT, help="where the second version is (this checkout)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each step (10)")
    parser.add_argument("--sessions", type=int, default=40, help="brokers (40)")
    parser.add_argument("--rate", type=float, default=500.0, help="orders a second that all must have (500)")
    parser.add_argument("--ahead", type=float, default=1.2, help="how much more is sent (1.2)")
    sys.exit(0 if measure(parser.parse_args()) else 1)
