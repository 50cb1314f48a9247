"""The four ways in which findings are written."""

import json

from hypothesis import given
from hypothesis import strategies as st

from funnel.lint import RULES
from funnel.lint.formats import as_github, as_json, as_sarif, as_text
from funnel.model import Finding, Place, Severity

ALT = Finding("AL001", Severity.ERROR, "no alt text: 100 %", Place("content/a b.md", 3), "say what it shows", 5)
OLD = Finding("RV002", Severity.WARNING, "about to expire", Place("content/c,d.md", 1))
BOTH = (ALT, OLD)

FINDINGS = st.builds(
    Finding,
    code=st.sampled_from(sorted(RULES)),
    severity=st.sampled_from(Severity),
    message=st.text(min_size=1),
    place=st.builds(Place, path=st.text(min_size=1), line=st.integers(1, 9_999)),
    hint=st.text(),
    column=st.integers(0, 200),
)


def test_text_is_one_line_a_finding_and_its_hint_below() -> None:
    assert as_text(BOTH) == (
        "content/a b.md:3: AL001 no alt text: 100 %\n"
        "    say what it shows\n"
        "content/c,d.md:1: RV002 warning: about to expire\n"
    )


def test_nothing_found_is_nothing_said() -> None:
    assert as_text(()) == as_github(()) == ""


def test_json_has_the_shape_that_scripts_rely_on() -> None:
    assert json.loads(as_json(BOTH)) == {
        "findings": [
            {
                "code": "AL001",
                "severity": "error",
                "path": "content/a b.md",
                "line": 3,
                "message": "no alt text: 100 %",
                "hint": "say what it shows",
            },
            {
                "code": "RV002",
                "severity": "warning",
                "path": "content/c,d.md",
                "line": 1,
                "message": "about to expire",
                "hint": "",
            },
        ],
        "error": 1,
        "warning": 1,
    }
    assert json.loads(as_json(())) == {"findings": [], "error": 0, "warning": 0}


def test_github_gets_workflow_commands_with_its_own_escapes() -> None:
    assert as_github(BOTH) == (
        "::error file=content/a b.md,line=3,col=5,title=AL001::no alt text: 100 %25%0Asay what it shows\n"
        "::warning file=content/c%2Cd.md,line=1,title=RV002::about to expire\n"
    )


@given(st.lists(FINDINGS, max_size=4))
def test_no_message_can_begin_a_workflow_command_of_its_own(findings: list[Finding]) -> None:
    written = as_github(findings).encode("utf-8", "surrogatepass")
    lines = written.split(b"\n")[:-1]
    assert len(lines) == len(findings)
    assert all(line.startswith((b"::error ", b"::warning ")) and b"\r" not in line for line in lines)


def test_sarif_names_its_version_and_every_rule_with_its_page() -> None:
    log = json.loads(as_sarif(BOTH))
    driver = log["runs"][0]["tool"]["driver"]
    rules = {rule["id"]: rule for rule in driver["rules"]}
    assert log["version"] == "2.1.0"
    assert rules.keys() >= RULES.keys() | {"CT001"}
    assert all(rules[code]["help"]["text"] == rule.page for code, rule in RULES.items())


def test_sarif_places_each_result_and_points_at_its_rule() -> None:
    run = json.loads(as_sarif(BOTH))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    first, second = run["results"]
    assert [rules[one["ruleIndex"]]["id"] for one in (first, second)] == ["AL001", "RV002"]
    assert [one["level"] for one in (first, second)] == ["error", "warning"]
    physical = first["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "content/a%20b.md"
    assert physical["region"] == {"startLine": 3, "startColumn": 5}
    assert "startColumn" not in second["locations"][0]["physicalLocation"]["region"]
