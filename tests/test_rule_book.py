"""The rule book and the tests name each other: what is cited is a rule, and each rule is shown by a test."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUMBER = r"\d+(?:\.\d+)+"
CITED = re.compile(rf"\b[Rr]ules? ({NUMBER}(?:, {NUMBER})*)")
RULE = re.compile(rf"^- ({NUMBER}) ", re.MULTILINE)


def rules() -> list[str]:
    """The numbers of the book, in its order."""
    return RULE.findall((ROOT / "docs" / "rule-book.md").read_text("utf-8"))


def cited() -> set[str]:
    """The numbers that tests and transcripts cite."""
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "tests").rglob("golden/*.txt")]
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
