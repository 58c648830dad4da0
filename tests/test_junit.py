"""JUnit XML: every reason not to be green is in it, and any CI server can read it, whatever names and reasons hold."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from faults.commands import started, wait_for
from hypothesis import given
from hypothesis import strategies as st
from in_process import write_spec
from made_runs import USUAL, make_run, model, record

from mlrun.cli import run as command
from mlrun.ending import NOT_YET
from mlrun.notice.junit import Case, Outcome, Suite, document
from mlrun.notice.reports import of_error, of_evaluation, of_run
from mlrun.records import Finding, FindingStatus, WorstRow
from mlrun.store.run_record import GateRecord

# Element → the attributes that it may have (True: it must), and what may stand in it: the schema that Jenkins' plug-in
# publishes as junit-10.xsd; Surefire's is the same but for `time` of a test, which it demands.
SCHEMA: dict[str, tuple[dict[str, bool], set[str]]] = {
    "testsuites": (dict.fromkeys(("name", "time", "tests", "failures", "errors"), False), {"testsuite"}),
    "testsuite": (
        {
            **dict.fromkeys(("name", "tests", "failures", "errors"), True),
            **dict.fromkeys(("time", "skipped", "timestamp"), False),
        },
        {"properties", "testcase"},
    ),
    "properties": ({}, {"property"}),
    "property": ({"name": True, "value": True}, set()),
    "testcase": ({"name": True, "classname": True, "time": True}, {"skipped", "error", "failure", "system-out"}),
    "skipped": ({"type": False, "message": False}, set()),
    "error": ({"type": False, "message": False}, set()),
    "failure": ({"type": False, "message": False}, set()),
    "system-out": ({}, set()),
}


def read(content: bytes) -> ET.Element:
    """Return the document, held to the schema and to its own counts."""
    root = ET.fromstring(content)  # noqa: S314 - our own text
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, inside = SCHEMA[element.tag]
        assert set(element.keys()) <= set(attributes)
        assert {name for name, needed in attributes.items() if needed} <= set(element.keys())
        assert {child.tag for child in element} <= inside
    for around in (root, *root.iter("testsuite")):
        cases = list(around.iter("testcase"))
        assert int(around.get("tests", "")) == len(cases)
        for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            if around.tag == "testsuite" or kind != "skipped":
                assert int(around.get(attribute, "")) == sum(case.find(kind) is not None for case in cases)
    names = [
        (suite.get("name"), case.get("classname"), case.get("name"))
        for suite in root
        for case in suite.iter("testcase")
    ]
    assert len(names) == len(set(names))
    return root


def outcomes(content: bytes) -> dict[str, str]:
    """Return test → how it ended, and why."""
    found = {}
    for case in read(content).iter("testcase"):
        below = next((child for child in case if child.tag != "system-out"), None)
        found[str(case.get("name"))] = "passed" if below is None else f"{below.tag}: {below.get('message')}"
    return found


def finding(status: FindingStatus, **changes: Any) -> Finding:
    return replace(Finding("slices", "sex", "xgboost", status=status, reason=f"it says {status}"), **changes)


ENDED = {"pass": "passed", "warn": "passed", "info": "passed", "fail": "failure", "error": "error",
         "not_run": "skipped", "vacuous": "skipped"}  # fmt: skip


@pytest.mark.parametrize("status", get_args(FindingStatus))
def test_each_status_has_its_outcome(status: FindingStatus) -> None:
    found = outcomes(of_run(record(USUAL), [finding(status)]))["slices sex"]
    assert found == (ENDED[status] if ENDED[status] == "passed" else f"{ENDED[status]}: it says {status}")


def test_a_failure_that_is_to_be_no_more_than_a_warning_has_passed() -> None:
    assert outcomes(of_run(record(USUAL), [finding("fail", severity="warn")]))["slices sex"] == "passed"


@pytest.mark.parametrize(
    ("status", "outcome"), [("pass", "passed"), ("fail", "failure"), ("undecided", "error"), ("not_run", "skipped")]
)
def test_a_gate_that_keeps_a_run_from_being_green_is_not_green(status: Any, outcome: str) -> None:
    gate = GateRecord("roc_auc at least 0.9", status, "why")
    found = outcomes(of_run(record(USUAL, gates=(gate,)), []))["roc_auc at least 0.9"]
    assert found == (outcome if outcome == "passed" else f"{outcome}: why")


def test_what_could_not_be_fitted_is_an_error() -> None:
    broken = record([*USUAL, model("mlp", 0.5, status="failed", reason="raised: ValueError")], failed_trials=3)
    found = outcomes(of_run(broken, []))
    assert found["xgboost"] == "passed"
    assert found["mlp"] == "error: raised: ValueError"
    assert found["all trials"].startswith("error: 3 failed")
    assert "zero_rule" not in found


def test_the_best_model_and_the_run_are_told_and_no_other_model() -> None:
    findings = [finding("fail", model="logistic_regression"), finding("pass"), finding("warn", model="", test="rows")]
    assert set(outcomes(of_evaluation("income@1", "xgboost", findings))) == {"slices sex", "slices rows"}
    everyone = outcomes(of_evaluation("income@1", None, findings))
    assert set(everyone) == {"logistic_regression: slices sex", "xgboost: slices sex", "slices rows"}


def test_variants_are_tests_of_their_own_and_none_has_anothers_name() -> None:
    findings = [finding("fail", variant="f"), finding("pass", variant="m"), finding("pass", variant="m")]
    assert outcomes(of_run(record(USUAL), findings)) == {
        "xgboost": "passed",
        "logistic_regression": "passed",
        "slices sex [f]": "failure: it says fail",
        "slices sex [m]": "passed",
        "slices sex [m] (2)": "passed",
    }


def test_rows_that_failed_are_named_by_their_ids_and_scores_are_properties() -> None:
    failed = finding("fail", worst_rows=(WorstRow("p17", 0.1, 0.9), WorstRow(4)))
    root = read(of_run(record(USUAL), [failed]))
    failure = next(root.iter("failure"))
    assert (failure.text or "").splitlines() == ["it says fail", "worst rows: p17, 4"]
    properties = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert float(properties["test.roc_auc"] or "") == USUAL[0].test["roc_auc"].value
    assert float(properties["folds.roc_auc"] or "") == USUAL[0].cv["roc_auc"].mean
    assert (properties["run"], properties["best"], properties["exit_code"]) == ("income@1", "xgboost", "0")


texts = st.text(st.characters(exclude_categories=()), max_size=20)  # surrogates and control characters too


@given(texts, texts, texts, texts, st.sampled_from(get_args(Outcome)))
def test_any_text_makes_a_document_that_can_be_read(
    name: str, group: str, message: str, value: str, outcome: Outcome
) -> None:
    case = Case(name, group, outcome, message, message, (value,), value, 1234.5)
    read(document(name, [Suite(group, (case, case), {name: value}, value)]))


def test_what_xml_has_no_place_for_is_an_escape() -> None:
    told = finding("fail", variant="a\x00b\x1b[31m\u202e\ud800\uffff", reason="]]> <b> & \"'\n")
    content = of_run(record(USUAL), [told])
    (name,) = [name for name in outcomes(content) if name.startswith("slices")]
    assert name == "slices sex [a\\x00b\\x1b[31m\\u202e\\ud800\\uffff]"
    assert outcomes(content)[name] == "failure: ]]> <b> & \"'"


def test_an_error_before_any_run_is_a_test_that_could_not_be_asked() -> None:
    root = read(of_error("spec.yaml", "SpecError", "spec.yaml:3:1: there is no key 'x'\n    x: 1"))
    (error,) = root.iter("error")
    assert (error.get("type"), error.get("message")) == ("SpecError", "spec.yaml:3:1: there is no key 'x'")
    assert len(outcomes(of_error("spec.yaml", "Odd", ""))) == 1


# -- on the command line -----------------------------------------------------------------------------------------------

SPEC = """
experiment: told
data: {source: sklearn, name: iris}
models: [lda]
evaluation: {learning_curve: {}}
split: {folds: 2}
gates: [{metric: accuracy, at_least: 1.1}]
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "report.xml"


def train(folder: Path, *options: str, text: str = SPEC) -> int:
    spec = write_spec(folder, text)
    return command(
        ["train", str(spec), "--executor", "serial", "--quiet", "--junit", str(folder / "report.xml"), *options]
    )


def test_train_writes_it_and_show_writes_the_same(tmp_path: Path, report: Path) -> None:
    assert train(tmp_path) == 1
    found = outcomes(report.read_bytes())
    assert found["lda"] == "passed"
    assert found["accuracy at least 1.1"].startswith("failure: lda has ")
    assert any(name.startswith("learning_curve") for name in found)
    again = tmp_path / "again.xml"
    assert command(["show", "told", "--runs", str(tmp_path / "runs"), "--junit", str(again)]) == 0
    assert again.read_bytes() == report.read_bytes()


def test_where_nothing_has_changed_the_latest_run_is_told_again(tmp_path: Path, report: Path) -> None:
    train(tmp_path)
    first = report.read_bytes()
    report.unlink()
    assert train(tmp_path, "--if-changed") == 1
    assert report.read_bytes() == first


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (SPEC + "modles: [x]\n", "SpecError"),
        (SPEC.replace("name: iris", "name: iriss"), "DataError"),
    ],
)
def test_a_refusal_is_told_too(tmp_path: Path, report: Path, text: str, kind: str) -> None:
    report.write_text("of yesterday")
    assert train(tmp_path, text=text) == 2
    (error,) = read(report.read_bytes()).iter("error")
    assert error.get("type") in {kind, "UsageError"}


def test_a_train_that_is_killed_leaves_no_report_of_yesterday(tmp_path: Path, report: Path) -> None:
    report.write_text("of yesterday")
    slow = "import time\n\ndef build(params, seed):\n    open('begun', 'w')\n    time.sleep(60)\n"
    (tmp_path / "slow_to_build.py").write_text(slow)
    spec = write_spec(tmp_path, SPEC.replace("[lda]", "{mine: {family: 'slow_to_build:build'}}"))
    with started(spec, "--executor", "serial", "--junit", "report.xml") as process:
        assert wait_for((tmp_path / "begun").exists, process)
        process.kill()
        process.communicate(timeout=20)
    (error,) = read(report.read_bytes()).iter("error")
    assert (error.get("type"), error.get("message")) == ("Unfinished", NOT_YET)


@pytest.mark.parametrize("name", ["nowhere/report.xml", "spec.yaml", "runs"])
def test_a_file_that_cannot_be_written_is_refused_before_the_training(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path, "--junit", str(tmp_path / name)) in {2, 74}
    assert name.partition("/")[0] in capfd.readouterr().err
    assert not list((tmp_path / "runs").iterdir())
    assert (tmp_path / "spec.yaml").read_text().startswith("\nexperiment")


def test_evaluate_writes_it(tmp_path: Path, report: Path) -> None:
    assert train(tmp_path) == 1
    command(["evaluate", "told", "--runs", str(tmp_path / "runs"), "--junit", str(report)])
    assert read(report.read_bytes()).get("name") == "told@1 evaluated"


def test_a_made_run_is_told_without_its_models(tmp_path: Path, report: Path) -> None:
    make_run(tmp_path / "runs", record(USUAL), findings=[finding("warn")])
    assert command(["show", "income", "--runs", str(tmp_path / "runs"), "--junit", str(report)]) == 0
    assert json.loads(json.dumps(outcomes(report.read_bytes())))["slices sex"] == "passed"
