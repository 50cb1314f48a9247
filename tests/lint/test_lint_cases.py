"""Every case of every code: a small change to the example, and exactly the findings that it makes."""

from collections import Counter
from pathlib import Path

import pytest
import yaml
from example_project import NOW, Example

from funnel.lint import RULES, pages
from funnel.model import Finding

CASES = Path(__file__).parent / "cases"
BY_CODE = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.yaml"))}
EVERY = [pytest.param(code, case, id=f"{code}: {case['name']}") for code, cases in BY_CODE.items() for case in cases]
KEYS = {"name", "change", "expect", "also", "gone", "settings", "severity", "alone"}


@pytest.mark.parametrize(("code", "case"), EVERY)
def test_a_change_makes_exactly_its_findings_on_the_right_lines(example: Example, code: str, case: dict) -> None:
    assert case.keys() <= KEYS
    changes = case["change"] if isinstance(case["change"], list) else [case["change"]]
    with example.changed(changes):
        found = example.lint(now=NOW, settings_too=case.get("settings", False))
        expected = Counter((path, example.line(path, line)) for path, line in case["expect"])
    new = [one for one in found if one not in example.findings]
    gone = [one for one in example.findings if one not in found]
    ours = [one for one in new if one.code == code]
    assert places(ours) == expected, said(new)
    assert {one.code for one in new} - {code} == set(case.get("also", ())), said(new)
    assert all(one.severity == case.get("severity", one.severity) for one in ours), said(ours)
    if "gone" in case:
        assert places(one for one in gone if one.code == code) == Counter(map(tuple, case["gone"])), said(gone)
    elif code in {"PH001", "RV001"} or not gone:
        assert not [one for one in gone if one.code == code]
    if case.get("alone"):
        assert found == tuple(new)


def test_every_code_has_cases_that_pass_and_cases_that_fail() -> None:
    assert BY_CODE.keys() == RULES.keys() | {"CT001"}
    for code, cases in BY_CODE.items():
        assert any(case["expect"] for case in cases), code
        assert any(not case["expect"] for case in cases), code


def test_every_rule_has_a_page_that_says_what_why_and_how() -> None:
    for code in BY_CODE:
        page = pages()[code]
        assert page.startswith("Find "), code
        assert all(f"\n\n{word}: " in page for word in ("Why", "Mend", "Example")), code


def places(findings) -> Counter[tuple[str, int]]:
    return Counter((one.place.path, one.place.line) for one in findings)


def said(findings: list[Finding]) -> str:
    return "\n" + "\n".join(f"{one.place}: {one.code} {one.severity} {one.message}" for one in findings)
