"""The rule book and the tests name each other: what is cited is a rule, and each rule is shown by a test."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMBER = r"\d+(?:\.\d+)+"
CITED = re.compile(rf"\b[Rr]ules? ({NUMBER}(?:, {NUMBER})*)")
RULE = re.compile(rf"^- ({NUMBER}) ", re.MULTILINE)
GOLDEN = ROOT / "tests" / "svc_match" / "golden"
# What no transcript of the core can show, and the test that does.
ELSEWHERE = {
    "6.1.7": "tests/svc_match/test_mass_cancels.py",  # what a command costs
    "6.5.8": "tests/reconcile/test_exchange.py",  # what svc_ledger holds
    "7.9.2": "tests/svc_ledger/test_busts.py",  # what svc_ledger books
}


def rules() -> list[str]:
    """The numbers of the book, in its order."""
    return RULE.findall((ROOT / "docs" / "rule-book.md").read_text("utf-8"))


def cited() -> set[str]:
    """The numbers that tests and transcripts cite."""
    return cited_in([*(ROOT / "tests").rglob("*.py"), *GOLDEN.glob("*.txt")])


def cited_in(files: list[Path]) -> set[str]:
    """The numbers that some files cite."""
    return {
        number for path in files for found in CITED.findall(path.read_text("utf-8")) for number in found.split(", ")
    }


def test_rules_are_numbered_in_order() -> None:
    """Each number is once, and behind the ones before it."""
    numbers = [tuple(map(int, number.split("."))) for number in rules()]
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 40


def test_what_is_cited_is_a_rule() -> None:
    """No test cites a number that the book does not have."""
    assert sorted(cited() - set(rules())) == []


def test_every_rule_is_shown() -> None:
    """Each rule is cited by the test or transcript that shows it."""
    assert [number for number in rules() if number not in cited()] == []


def test_every_rule_has_a_transcript() -> None:
    """Each rule is cited by a transcript of the core, but for those that it cannot show; the test that is named cites these."""
    shown = cited_in([*GOLDEN.glob("*.txt")])
    assert [number for number in rules() if number not in shown] == sorted(ELSEWHERE)
    for number, file in ELSEWHERE.items():
        assert number in cited_in([ROOT / file]), number
