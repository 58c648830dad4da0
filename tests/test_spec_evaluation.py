"""Tests, utilities and gates as they are written: what becomes of them, and what is said of mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from in_process import run, write_spec

from mlrun import catalog, spec
from mlrun.errors import SpecError
from mlrun.kinds import AnyOf, ColumnName, Fields, Integer, ListOf, MappingOf, Number, OneOf, Parameter, Word
from mlrun.language.parameters import Reader, leaves, with_defaults
from mlrun.language.problems import Findings
from mlrun.language.yaml_reader import read as read_yaml
from mlrun.records import MetricSpec, PlannedTest
from mlrun.spec import EvaluationSpec, Spec
from mlrun.store.run_findings import read_findings

SMALL = "experiment: tries\ndata: {source: sklearn, name: iris}\n"
PAGE = Path(__file__).parents[2] / "shared" / "evaluation.md"
SWAP = "{swap: {sex: {Male: Female, Female: Male}}}"


def read(text: str, *overrides: str, folder: Path | None = None) -> Spec:
    return spec.parse((SMALL + text).encode(), "s.yaml", str(folder or "/somewhere"), overrides)


def told(text: str, *overrides: str, folder: Path | None = None) -> list[str]:
    try:
        read(text, *overrides, folder=folder)
    except SpecError as error:
        return [str(problem).split("\n    ")[0] for problem in error.problems]
    return []


# -- evaluation --------------------------------------------------------------------------------------------------------


def test_auto_none_and_a_mapping_are_three_ways_to_say_what_runs() -> None:
    assert (read("evaluation: auto").evaluation, read("evaluation: none").evaluation) == (
        EvaluationSpec(auto=True),
        EvaluationSpec(auto=False),
    )
    alone = read("evaluation: {calibration: {bins: 10}}").evaluation
    assert (alone.auto, [test.check for test in alone.tests]) == (False, ["calibration"])
    assert read("evaluation: {auto: true, calibration: {}}").evaluation.auto
    assert read("evaluation: {sample: 500}").evaluation == EvaluationSpec(auto=True, sample=500)


def test_what_is_left_out_is_not_run_by_auto_either() -> None:
    found = read("evaluation: {auto: true, calibration: none, confidence: false}").evaluation
    assert (found.auto, found.tests, found.without) == (True, (), ("calibration", "confidence"))
    assert read("evaluation: {calibration: none}").evaluation.auto


def test_defaults_are_written_out_also_inside() -> None:
    ways = ["calibration: ", "calibration: auto", "calibration: true", "calibration: {}", "calibration: {bins: 15}"]
    found = [read(f"evaluation: {{{way}}}").evaluation.tests for way in ways]
    known = {name: parameter.default for name, parameter in catalog.find("checks", "calibration").parameters.items()}
    assert all(tests == (PlannedTest("calibration", "calibration", known),) for tests in found)
    (test,) = read("evaluation: {slices: {by: [sex], discover: {depth: 1}}}").evaluation.tests
    assert test.params["discover"] == {"depth": 1, "min_rows": 50, "fdr": 0.1}


def test_an_edit_stands_in_the_params_with_what_goes_along() -> None:
    written = f"""\
evaluation:
  invariance:
    - {SWAP}
    - {SWAP}
    - {{name: both, swap: {{sex: {{Male: Female}}}}, along: {{relationship: {{Husband: Wife}}}}}}
    - {{every_other_value: race, along: {{blank: [age]}}, max_rate: 0.1}}
    - {{swap: {{a: {{x: y}}}}, along: [{{b: {{x: y}}}}, {{set: {{c: 1}}}}]}}
"""
    tests = read(written).evaluation.tests
    assert [test.name for test in tests] == ["swap sex", "swap sex 2", "both", "every_other_value race", "swap a"]
    noise = "[{noise: {sd: [0.1]}}, {noise: {columns: [a, b]}}, {noise: {columns: a}}, {typos: 0.1}, {round: {a: 1}}]"
    named = [test.name for test in read(f"evaluation: {{perturbation: {noise}}}").evaluation.tests]
    assert named == ["noise", "noise a, b", "noise a", "typos", "round a"]
    assert tests[0].params["edit"] == ("swap", {"sex": {"Male": "Female", "Female": "Male"}})
    assert tests[2].params["along"] == (("swap", {"relationship": {"Husband": "Wife"}}),)
    assert tests[3].params["along"] == (("blank", ("age",)),)
    assert tests[3].params["max_rate"] == 0.1
    assert tests[4].params["along"] == (("swap", {"b": {"x": "y"}}), ("set", {"c": 1}))


@pytest.mark.skipif(not PAGE.exists(), reason="the page is not here")
def test_the_example_of_the_page_is_read_and_fits_the_schema() -> None:
    text = PAGE.read_text(encoding="utf-8").split("```yaml")[1].split("```")[0]
    rest = "baselines: [zero_rule, {rule: {name: degree_rule, when: a > 3}}, {existing: {column: old}}]\n"
    found = read(rest + text)
    assert len(found.evaluation.tests) == 12
    assert found.evaluation.tests[0].params["max_ece"] == 0.03
    assert found.useful is not None
    assert found.useful.utility["defer"] == -0.1
    validator = jsonschema.Draft202012Validator(spec.json_schema())
    assert list(validator.iter_errors(read_yaml((SMALL + rest + text).encode(), "s.yaml").plain)) == []


SENTENCES = """
evaluation: 5
    3:13: 'evaluation' must be auto, none or a mapping of checks, not 5

evaluation: {calibratin: {}}
    3:14: there is no check 'calibratin'; did you mean 'calibration'?

evaluation: {smaple: 3}
    3:14: there is no check 'smaple'; did you mean 'sample'?

evaluation: {sample: 0}
    3:22: 'evaluation.sample' must be at least 1, not 0

evaluation: {compare: {ropes: 0.1}}
    3:24: there is no key 'ropes' in 'evaluation.compare'; did you mean 'rope'?

evaluation: {calibration: {binz: 3}}
    3:28: there is no key 'binz' in 'evaluation.calibration'; did you mean 'bins'?

evaluation: {calibration: {bins: many}}
    3:34: 'bins' must be an integer ≥ 2 and ≤ 100, not 'many'

evaluation: {calibration: {severity: fial}}
    3:38: 'severity' must be fail | warn, not 'fial'; did you mean 'fail'?

evaluation: {calibration: [{bins: 3}]}
    3:27: 'evaluation.calibration' must be a mapping, not [a mapping]

evaluation: {calibration: {name: x}}
    3:28: 'calibration' is one test, which has no name. Remove it.

evaluation: {confidence: {conformal: {by: sex}}}
    3:43: 'by' must be a list, each a column, not 'sex'; write [sex]

evaluation: {slices: {by: [{colum: age, quantiles: 4}]}}
    3:28: 'evaluation.slices.by.0' lacks 'column': numbers and dates in bins
    3:29: there is no key 'colum' in 'evaluation.slices.by.0'; did you mean 'column'?

evaluation: {slices: {by: []}}
    3:27: 'by' must be a list, each {kind}, not an empty list

evaluation: {minimum_functionality: [{file: x.csv}]}
    3:38: 'evaluation.minimum_functionality.0' lacks 'label': its column with the right answers

evaluation: {invariance: auto}
    3:26: 'evaluation.invariance' needs a list of tests, and only you know which edits. Write invariance: [{name: ..., EDIT: ...}]; with `auto: true` those run that need no author.

evaluation: {invariance: []}
    3:26: 'evaluation.invariance' is an empty list. Write invariance: none.

evaluation: {invariance: [5]}
    3:27: 'evaluation.invariance.0' must be a mapping, not 5

evaluation: {invariance: [{blank: [a], shuffle: [b]}]}
    3:27: a test makes exactly one edit, and this one names blank and shuffle. Leave one, and put what goes with it under `along`.

evaluation: {invariance: [{max_rate: 0.1}]}
    3:27: a test makes exactly one edit, and this one names none; there are {edits}

evaluation: {invariance: [{blnk: [a]}]}
    3:28: there is no key 'blnk' in 'evaluation.invariance.0'; did you mean 'blank'?

evaluation: {invariance: [{swap: {sex: Male}}]}
    3:40: 'sex' must be a mapping to a value, not 'Male'

evaluation: {invariance: [{blank: [a], along: 5}]}
    3:47: 'along' must be a mapping of edits, or of columns, not 5

evaluation: {invariance: [{blank: [a], name: x}, {blank: [b], name: x}]}
    3:46: 2 tests of 'invariance' are called 'x'. Give each a name of its own.

evaluation: {"no_such_module:check": {}}
    3:14: 'no_such_module:check': no module 'no_such_module' beside the spec or installed

useful: {utility: {tp: 1, fn: 1, tn: 0.5, fp: 0.5}}
    3:19: these utilities make every decision equal, so no model can be worth anything. Write tp above fn, and tn above fp.

useful: {utility: {tp: 1}}
    3:19: with these utilities it is best to call every row positive, so no model can be worth anything. Write tp above fn, and tn above fp.

useful: {utility: {tpr: 1}}
    3:20: there is no key 'tpr' in 'useful.utility'; did you mean 'tp'?

useful: {against: [zero_rul]}
    3:20: there is no baseline 'zero_rul' in this spec; did you mean 'zero_rule'?

useful: {human: {cost_per_row: 1}}
    3:17: 'useful.human' needs exactly one of accuracy, column, path; it has 0

useful: {human: {accuracy: 93}}
    3:28: 'useful.human.accuracy' must be at most 1, not 93

useful: {target: {roc_acu: 0.9}}
    3:19: there is no metric 'roc_acu'; did you mean 'roc_auc'?

useful: {budget: {p95_ms_per_row: 0}}
    3:35: 'useful.budget.p95_ms_per_row' must be greater than 0, not 0

gates: {beats: zero_rule}
    3:8: 'gates' must be a list, not a mapping

gates: [beats]
    3:9: a gate says what must hold, and this one does not; write one of {gates}

gates: [{baets: zero_rule}]
    3:9: a gate says what must hold, and this one does not; did you mean 'beats'?

gates: [{beats: rule}]
    3:17: there is no baseline 'rule' in this spec; did you mean 'zero_rule'?

gates: [{beats: zero_rule, by: 3}]
    3:28: there is no key 'by' in 'gates.0'; known: beats

gates: [{metric: roc_auc}]
    3:9: a gate on a metric needs exactly one of at_least, at_most, drop_at_most; it has 0

gates: [{metric: roc_acu, at_least: 1}]
    3:18: there is no metric 'roc_acu'; did you mean 'roc_auc'?

gates: [{metric: cost, at_most: 1}]
    3:18: the metric 'cost' needs to know what mistakes cost. Add `costs: {false_negative: ..., false_positive: ...}`.

gates: [{metric: roc_auc, at_least: high}]
    3:37: 'gates.0.at_least' must be a number, not 'high'

gates: [{metric: roc_auc, at_least: 0.9, against: latest}]
    3:42: 'against' goes with 'drop_at_most'. Remove it.

gates: [{metric: roc_auc, drop_at_most: 0.1, against: lastest}]
    3:55: 'against' must be latest, best, or a run such as tries@3, not 'lastest'

gates: [{suites: fail}]
    3:18: 'gates.0.suites' must be pass, or a list of checks and tests, not 'fail'

gates: [{suites: [calibratoin]}]
    3:19: there is no check or test 'calibratoin'; did you mean 'calibration'?

gates: [{useful: true}]
    3:9: nothing in the spec says when a model is useful. Add `useful:`, or `costs:`.
"""  # noqa: E501


def cases() -> Iterator[tuple[str, list[str]]]:
    from mlrun.language.gates import KINDS

    edits = ", ".join(catalog.names("edits"))
    of_slices = catalog.find("checks", "slices").parameters["by"].kind.of
    text = SENTENCES.replace("{edits}", edits).replace("{gates}", KINDS).replace("{kind}", str(of_slices))
    for case in text.strip("\n").split("\n\n"):
        written, *problems = case.split("\n    ")
        yield written, [f"s.yaml:{problem}" for problem in problems]


@pytest.mark.parametrize(("text", "problems"), list(cases()), ids=lambda value: value if isinstance(value, str) else "")
def test_each_mistake_is_one_sentence_at_its_place(text: str, problems: list[str]) -> None:
    assert told(text) == problems


# -- values by their kinds ---------------------------------------------------------------------------------------------

DEEP = {
    "inner": Parameter(Fields({"rate": Parameter(Number(0, 1), 0.5), "of": Parameter(ListOf(Word()), ())}), {}),
    "either": Parameter(AnyOf(OneOf("none"), Integer(1), ListOf(ColumnName())), "none"),
    "each": Parameter(MappingOf(Number()), None),
}


def test_a_value_is_read_by_its_kind_and_freezes() -> None:
    reader = Reader(Findings(read_yaml(b"{}", "s.yaml")))
    found = reader.read_all(DEEP, {"inner": {"of": ["a"]}, "either": ["x", "y"], "each": {1: 2}}, ("test",))
    assert found == {"inner": {"rate": 0.5, "of": ("a",)}, "either": ("x", "y"), "each": {1: 2}}
    assert reader.findings.problems == []
    assert reader.read_all(DEEP, {"each": None}, ("test",)) == {
        "inner": {"rate": 0.5, "of": ()}, "either": "none", "each": None
    }  # fmt: skip


def test_leaves_know_where_they_stand() -> None:
    kind = Fields(DEEP)
    value = with_defaults(kind, {"either": ("x",), "each": {"a": 1}})
    found = {path: str(inner) for path, inner, _ in leaves(kind, value)}
    assert found == {
        ("inner", "rate"): "a number ≥ 0 and ≤ 1", ("either", 0): "a column", ("each", "a"): "a number"
    }  # fmt: skip


def test_what_is_no_value_of_its_kind_is_told_where_it_stands() -> None:
    reader = Reader(Findings(read_yaml(b"{}", "s.yaml")))
    reader.read_all(DEEP, {"inner": {"rate": 2, "rat": 1}, "either": [5], "each": 3}, ("test",))
    assert [problem.message for problem in reader.findings.problems] == [
        "there is no key 'rat' in 'test.inner'; did you mean 'rate'?",
        "'rate' must be a number ≥ 0 and ≤ 1, not 2",
        "'either' must be a column, not 5",
        "'each' must be a mapping to a number, not 3",
    ]


# -- overrides and identity --------------------------------------------------------------------------------------------


def test_overrides_reach_into_the_sections() -> None:
    assert read("evaluation: auto", "evaluation=none").evaluation == EvaluationSpec(auto=False)
    assert read("", "evaluation.sample=500").evaluation == EvaluationSpec(auto=True, sample=500)
    assert read("evaluation: auto", "evaluation.sample=500").evaluation == EvaluationSpec(auto=True, sample=500)
    assert (
        read("evaluation: {calibration: {bins: 3}}", "evaluation.calibration.bins=7").evaluation.tests[0].params["bins"]
        == 7
    )
    found = read("gates: [{beats: random}]", "gates.0.beats=zero_rule", "useful.budget.model_mb=3")
    assert found.gates[0].params == {"baseline": "zero_rule"}
    assert found.useful is not None
    assert found.useful.budget == {"model_mb": 3.0}


def identity(text: str) -> Any:
    return spec.differing(read(text))


def test_defaults_that_are_written_out_change_no_identity() -> None:
    for name in catalog.names("checks"):
        check = catalog.find("checks", name)
        if check.many or any(parameter.required for parameter in check.parameters.values()):
            continue
        whole = {key: parameter.default for key, parameter in check.parameters.items() if parameter.default is not None}
        text = json.dumps({"evaluation": {name: whole}})[1:-1]
        assert identity(text) == identity(json.dumps({"evaluation": {name: {}}})[1:-1]), name
    written = "useful: {utility: ~, against: [], human: ~, budget: ~, target: {}, prefer_simpler_within: ~}\ngates: []"
    assert identity(written) == identity("useful: {}")
    assert identity("useful: {}") != identity("")


def test_what_is_asked_for_is_in_the_identity() -> None:
    base = identity("evaluation: {calibration: {}}")
    for other in ["{calibration: {bins: 3}}", "{calibration: {}, confidence: {}}", "{calibration: {}, auto: true}"]:
        assert identity(f"evaluation: {other}") != base
    assert identity("gates: [{metric: auc, at_least: 0.5}]") == identity("gates: [{metric: roc_auc, at_least: 0.5}]")
    assert identity("gates: [{metric: auc, at_least: 0.5}]") != identity("gates: [{metric: auc, at_least: 0.6}]")


def test_gates_are_records_with_whole_metrics_and_names_of_runs() -> None:
    top = "{metric: {precision_at: {k: 0.1}}, at_least: 1}"
    bound, drop, suites = read(f"gates: [{top}, {{metric: neg_log_loss, drop_at_most: 0}}, {{suites: pass}}]").gates
    assert bound.params == {"metric": MetricSpec("precision_at", {"k": 0.1}), "at_least": 1.0}
    assert drop.params == {"metric": MetricSpec("log_loss", {}), "drop_at_most": 0.0, "against": "tries@latest"}
    assert suites.params == {"names": ()}
    (labelled,) = read("gates: [{metric: precision_at(k=0.1), at_least: 1}]").gates
    assert labelled == bound


# -- with data ---------------------------------------------------------------------------------------------------------

ROWS = "age,sex,old,y\n" + "".join(
    f"{20 + place % 40},{'Male' if place % 3 else 'Female'},{place % 2},{int(place % 40 > 18)}\n"
    for place in range(240)
)
OWN = """
from mlrun.check_contracts import Check
from mlrun.kinds import ColumnName, Condition, Number, Parameter
from mlrun.records import Finding

def count_rows(subject, context, params):
    yield Finding("", "", subject.name, status="pass", value=float(len(context.rows)), reason=str(params))

def problems(params, dataset):
    if params["column"] == "old":
        yield ("column",), "not that one"

TYPED = Check(
    count_rows,
    {
        "column": Parameter(ColumnName(), required=True),
        "where": Parameter(Condition()),
        "bound": Parameter(Number(0), 3),
    },
    ("classification",),
    many=True,
    problems=problems,
)
NOTHING = 5
"""


def prepared(folder: Path, **sections: Any) -> Path:
    (folder / "rows.csv").write_text(ROWS)
    (folder / "own_tests.py").write_text(OWN)
    whole = {"experiment": "own", "data": {"path": "rows.csv", "target": "y"}, "split": {"folds": 2}}
    models = {"gaussian_nb": {"var_smoothing": 1e-9}}
    return write_spec(folder, json.dumps({**whole, "models": models, "evaluation": "none", **sections}))


def wrong(folder: Path, **sections: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        run(prepared(folder, **sections))
    return [problem.message for problem in caught.value.problems]


@pytest.fixture(autouse=True)
def _own_modules_are_read_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("own_tests", None)


def test_a_function_of_ones_own_is_a_check_that_takes_anything(tmp_path: Path) -> None:
    done = run(prepared(tmp_path, evaluation={"own_tests:count_rows": {"depth": [1, 2]}}))
    assert done.folder is not None
    found = [finding for finding in read_findings(done.folder) if finding.model == "gaussian_nb"]
    assert [(finding.check, finding.test, finding.status, finding.value) for finding in found] == [
        ("own_tests:count_rows", "count_rows", "pass", 48.0)
    ]
    assert found[0].reason == "{'depth': (1, 2)}"


def test_a_check_of_ones_own_has_its_parameters_checked(tmp_path: Path) -> None:
    tests = [{"column": "age"}, {"name": "grown", "column": "age", "where": "age > 30", "bound": 4}]
    done = run(prepared(tmp_path, evaluation={"own_tests:TYPED": tests}))
    assert done.folder is not None
    assert {finding.test for finding in read_findings(done.folder)} == {"TYPED", "grown"}
    assert wrong(tmp_path, evaluation={"own_tests:TYPED": [{"colum": "age"}]}) == [
        "'evaluation.own_tests:TYPED.0' lacks 'column'",
        "there is no key 'colum' in 'evaluation.own_tests:TYPED.0'; did you mean 'column'?",
    ]
    (message,) = wrong(tmp_path, evaluation={"own_tests:NOTHING": {}})
    assert message.startswith("check 'own_tests:NOTHING' is neither a function")


def test_columns_conditions_and_edits_are_looked_for_before_anything_is_fitted(tmp_path: Path) -> None:
    own = [{"column": "agee"}, {"column": "age", "where": "age > 500"}, {"column": "age", "where": "SUM(age) > 1"}]
    assert wrong(tmp_path, evaluation={"own_tests:TYPED": [*own, {"column": "old"}]}) == [
        "there is no column 'agee'; did you mean 'age'?",
        "the condition `age > 500` holds for none of the 240 rows",
        *(message for message in wrong(tmp_path, evaluation={"own_tests:TYPED": own})[2:]),
        "not that one",
    ]
    edits = [{"swap": {"sex": {"Mail": "Female"}}}, {"blank": ["age"], "along": {"noise": {"columns": ["sx"]}}}]
    assert wrong(tmp_path, evaluation={"invariance": edits}) == [
        "the value 'Mail' never occurs in the column 'sex'; did you mean 'Male'?",
        "there is no column 'sx'; did you mean 'sex'?",
    ]
    assert not (tmp_path / "runs" / "own").exists()


def test_each_is_told_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    text = """\
experiment: own
data: {path: rows.csv, target: y}
models: [gaussian_nb]
evaluation:
  invariance:
    - {name: a, every_other_value: sxe}
    - {name: b, swap: {sex: {Male: Femal}}, where: "age > 500"}
  slices: {by: [sex, ag]}
useful: {human: {column: age}}
"""
    with pytest.raises(SpecError) as caught:
        run(write_spec(tmp_path, text))
    places = {str(problem.place).rpartition("spec.yaml:")[2] for problem in caught.value.problems}
    assert places == {"6:36", "7:36", "7:52", "8:22"}


def test_labels_of_people_are_kept_from_the_models_and_must_be_labels(tmp_path: Path) -> None:
    done = run(prepared(tmp_path, useful={"human": {"column": "old", "cost_per_row": 0.1}}))
    assert done.folder is not None
    withheld = json.loads((done.folder / "data.json").read_text())["withheld"]
    assert ["old", "people's labels"] in withheld
    (message,) = wrong(tmp_path, useful={"human": {"column": "age"}})
    assert "which is no class of the target" in message
    (message,) = wrong(tmp_path, useful={"human": {"column": "agge"}})
    assert message == "'agge' is not a column of the data; did you mean 'age'?"


def test_a_file_of_people_with_unknown_ids_is_told(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("id,label\nnobody,1\n")
    (message,) = wrong(tmp_path, useful={"human": {"path": "labels.csv"}})
    assert message == "people say nothing of any of the 240 rows: do the ids fit?"


def test_what_the_task_makes_impossible_is_told(tmp_path: Path) -> None:
    gates = [{"metric": "rmse", "at_most": 1}]
    messages = wrong(tmp_path, gates=gates, useful={"target": {"mae": 1}})
    assert [message.split(" does not fit")[0] for message in messages] == ["'mae'", "'rmse'"]
    text = {"source": "sklearn", "name": "iris"}
    (message,) = wrong(tmp_path, data=text, useful={"utility": {"tp": 1, "fp": -1}})
    assert message == "'utility' is for two classes, and the task is 3 classes"
