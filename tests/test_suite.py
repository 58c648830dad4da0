"""The loop over tests: what each lacks is told, what breaks hides nothing, and `auto` keeps to its budget."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fitted_subjects import changed, context_of, dataset_of, halves
from in_process import write_spec
from sklearn.linear_model import LogisticRegression
from small_runs import table, trained

from mlrun.check_contracts import Check, Context, Subject
from mlrun.check_entries import find_check
from mlrun.errors import DataError, Interrupted, StorageError
from mlrun.events import CheckStarted
from mlrun.preview import make_plan
from mlrun.records import Finding, PlannedTest
from mlrun.run_options import TrainOptions
from mlrun.runs import read_findings
from mlrun.suite import AUTOMATIC, NO_TEST_ROWS, TOO_DEAR, evaluate, examine, missing, with_automatic

OWN = """
from dataclasses import replace
from mlrun.check_contracts import Check
from mlrun.errors import DataError, StorageError
from mlrun.records import Finding

TASKS = ("classification", "regression", "anomaly")

def count(subject, context, params):
    yield Finding("", "", subject.name, status="pass", measure="rows", value=float(len(context.rows)))

def breaks(subject, context, params):
    yield Finding("", "", subject.name, status="pass", measure="rows", value=1.0)
    raise ZeroDivisionError("by nothing\\nand more")

def refuses(subject, context, params):
    raise DataError("these rows will not do")

def writes(subject, context, params):
    subject.test.values[:] = 0
    yield Finding("", "", subject.name)

def moves(subject, context, params):
    context.rows[:] = 0
    yield Finding("", "", subject.name)

def quits(subject, context, params):
    raise StorageError("the disk is full")

def strange(subject, context, params):
    return [3]

def leaves(subject, context, params):
    raise SystemExit(3)

def one(subject, **more):
    return [Finding("", "", **{"model": subject.name, **more})]

def status(subject, context, params):
    return one(subject, status="great")

def number(subject, context, params):
    return one(subject, value="high")

def thing(subject, context, params):
    return one(subject, details={"it": object()})

def stranger(subject, context, params):
    return one(subject, model="nobody")

def nothing(subject, context, params):
    return one(subject, status="pass", value=float("nan"))

def array(subject, context, params):
    import numpy as np
    return one(subject, value=np.float32(0.5), n=np.int64(3), details={"bins": np.arange(2)})

ONCE = Check(count, {}, TASKS, of="run")
NUMBERS = Check(count, {}, ("regression",))
FITTED = Check(count, {}, TASKS, needs=("refit",))
"""


@pytest.fixture(scope="module")
def around() -> Context:
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(150, 2))
    train, test = halves(150)
    truth = (rows[:, 0] + draw.normal(size=150) > 0).astype(np.int64)
    made = context_of(dataset_of(rows, truth), train, test, {"logistic": LogisticRegression()})
    guess = replace(made.subjects[0], name="guess", kind="baseline", refit=None, predict=None, silent="it only guesses")
    return changed(made, subjects=(*made.subjects, guess))


@pytest.fixture
def own(around: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """Return the context of a folder with checks of the author's own."""
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "own_suite.py").write_text(OWN)
    yield changed(around, folder=str(tmp_path))
    sys.modules.pop("own_suite", None)


def asked(context: Context, *names: str, auto: bool = False, without: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    return heard(context, *names, auto=auto, without=without)[0]


def heard(
    context: Context, *names: str, auto: bool = False, without: tuple[str, ...] = ()
) -> tuple[tuple[Finding, ...], list[CheckStarted]]:
    """Run tests of these checks with their defaults; return what was found and told."""
    tests = [PlannedTest(name, name.rpartition(":")[2], parameters(name, context)) for name in names]
    suite, events = evaluate(context, tests, auto, without), []
    while True:
        try:
            events.append(next(suite))
        except StopIteration as ended:
            return ended.value, events


def parameters(name: str, context: Context) -> Mapping[str, Any]:
    return {key: each.default for key, each in find_check(name, context.folder).parameters.items()}


@pytest.mark.parametrize("name", ["writes", "moves"])
def test_no_check_can_change_what_the_others_see(own: Context, name: str) -> None:
    rows, said = own.rows.copy(), own.subjects[0].test
    assert said is not None
    values = said.values.copy()
    found = asked(own, f"own_suite:{name}")
    assert {each.status for each in found} == {"error"}
    assert "read-only" in found[0].reason
    np.testing.assert_array_equal(own.rows, rows)
    np.testing.assert_array_equal(said.values, values)
    own.rows[:] = own.rows  # they stay what they were for their owner: writable


# -- what breaks, and what is lacking ----------------------------------------------------------------------------------


def test_a_check_that_raises_is_one_error_and_all_others_still_report(own: Context) -> None:
    found, events = heard(own, "own_suite:breaks", "calibration", "own_suite:strange", "own_suite:count")
    assert [(each.check, each.model, each.status) for each in found] == [
        ("own_suite:breaks", "logistic", "error"),
        ("own_suite:breaks", "guess", "error"),
        ("calibration", "logistic", "pass"),
        ("calibration", "guess", "pass"),
        ("own_suite:strange", "logistic", "error"),
        ("own_suite:strange", "guess", "error"),
        ("own_suite:count", "logistic", "pass"),
        ("own_suite:count", "guess", "pass"),
    ]
    assert found[0].reason == "ZeroDivisionError: by nothing"
    assert found[-1].test == "count"
    assert [(event.done, event.total, event.check) for event in events][1:3] == [
        (1, 4, "calibration"),
        (2, 4, "own_suite:strange"),
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("leaves", "SystemExit: 3"),
        ("strange", "it must yield records.Finding, not int"),
        ("status", "its finding cannot be written down: status is not what it should be"),
        ("number", "its finding cannot be written down: value is not what it should be"),
        ("thing", "its finding cannot be written down: object cannot be written as JSON"),
        ("stranger", "its finding is of 'nobody', which is no model of this run"),
        ("nothing", "it passes a test with a value of nan, which is no number"),
    ],
)
def test_what_a_users_check_returns_that_is_no_finding_is_its_error(own: Context, name: str, reason: str) -> None:
    found = asked(own, f"own_suite:{name}", "own_suite:count")
    assert [each.status for each in found] == ["error", "error", "pass", "pass"]
    assert {each.reason for each in found[:2]} == {reason}


def test_numbers_of_numpy_in_a_users_finding_are_plain_ones(own: Context) -> None:
    found = asked(own, "own_suite:array")[0]
    assert (found.value, found.n, found.details) == (0.5, 3, {"bins": (0, 1)})
    assert [type(each) for each in (found.value, found.n)] == [float, int]


def test_our_own_sentences_stand_alone_and_a_full_disk_ends_the_run(own: Context) -> None:
    assert {each.reason for each in asked(own, "own_suite:refuses")} == {"these rows will not do"}
    with pytest.raises(StorageError):
        asked(own, "own_suite:quits", "own_suite:count")


def test_an_interruption_is_no_finding(own: Context) -> None:
    def stop(subject: Subject, context: Context, params: Mapping[str, Any]) -> list[Finding]:
        raise Interrupted("stopped", 2)

    with pytest.raises(Interrupted):
        examine(Check(stop, {}, ("classification",)), PlannedTest("x", "x"), own.subjects[0], own)


def test_a_check_of_the_run_is_asked_once_and_of_the_best_model(own: Context) -> None:
    assert [each.model for each in asked(own, "own_suite:ONCE")] == ["logistic"]
    (found,) = asked(changed(own, best=None), "own_suite:ONCE")
    assert (found.status, found.reason) == ("not_run", "there is no best model")


def test_another_task_is_a_reason_told_once(own: Context) -> None:
    (found,) = asked(own, "own_suite:NUMBERS")
    assert (found.status, found.model) == ("not_run", "")
    assert found.reason == "it is for regression, and the task is classification"


def test_a_baseline_has_nothing_to_be_fitted_again(own: Context) -> None:
    assert [each.model for each in asked(own, "own_suite:FITTED")] == ["logistic"]


@pytest.mark.parametrize(
    ("need", "subject", "context", "told"),
    [
        ("labels", {}, {"truth": None}, "there are no labels"),
        ("test", {}, {"rows": np.empty(0, dtype=np.int64)}, NO_TEST_ROWS),
        ("test", {"test": None}, {}, "it said nothing of these rows"),
        ("test", {"test": None, "silent": "it is at lunch"}, {}, "it is at lunch"),
        ("predict", {"predict": None, "silent": "it only guesses"}, {}, "it only guesses"),
        ("predict", {"predict": None}, {}, "it cannot be asked about new rows"),
        ("refit", {"refit": None}, {}, "it cannot be fitted again here"),
        ("folds", {"folds": ()}, {}, "there are no held-out predictions of the folds"),
        ("probabilities", {"test": None}, {}, "it gives no probabilities"),
    ],
)
def test_what_is_lacking_is_told_before_the_check_is_asked(
    around: Context, need: Any, subject: dict[str, Any], context: dict[str, Any], told: str
) -> None:
    def never(subject: Subject, context: Context, params: Mapping[str, Any]) -> list[Finding]:
        raise AssertionError("it was asked")

    check = Check(never, {}, ("classification",), needs=(need,))
    if "truth" in context:
        context = {"dataset": replace(around.dataset, truth=None)}
    assert missing(check, replace(around.subjects[0], **subject), changed(around, **context)) == told
    assert missing(check, around.subjects[0], around) == ""


# -- auto --------------------------------------------------------------------------------------------------------------


def test_auto_adds_in_its_fixed_order_and_what_exceeds_the_training_is_not_run(around: Context) -> None:
    rich, refused = with_automatic(changed(around, training_fits=1e9), ())
    order = [test.check for test in rich]
    assert refused == []
    assert order == sorted(order, key=AUTOMATIC.index)
    assert {test.asked for test in rich} == {False}
    costs = {test.name: find_check(test.check).fits(around, test.params) for test in rich}
    dear = [name for name, cost in costs.items() if cost > 0]
    assert dear[0] == "learning_curve"
    assert costs["learning_curve"] == 0.75  # a quarter and a half of one model (spec.md, section 11)
    for spent in (0.0, 0.5, 1.0, sum(costs.values()) - 0.01):
        some, refused = with_automatic(changed(around, training_fits=spent), ())
        kept = [test.name for test in some]
        assert sum(costs[name] for name in kept) <= spent
        assert {each.test for each in refused} == set(costs) - set(kept)
        assert {(each.status, each.reason) for each in refused} <= {("not_run", TOO_DEAR)}
        left = spent  # greedily, in that order
        for name, cost in costs.items():
            assert (name in kept) == (cost <= left)
            left -= cost if cost <= left else 0.0


def test_what_is_too_dear_is_a_finding_beside_the_others(around: Context) -> None:
    found = asked(changed(around, training_fits=0.5), auto=True)
    (dear,) = [each for each in found if each.check == "learning_curve"]
    assert (dear.status, dear.model, dear.reason) == ("not_run", "", "it costs more than the training; ask for it")
    assert [each for each in found if each.check == "calibration" and each.status in {"pass", "warn"}]


def test_auto_beside_written_tests_adds_the_others(around: Context) -> None:
    tests = (PlannedTest("calibration", "mine", {**parameters("calibration", around), "bins": 5}),)
    found, _ = with_automatic(around, tests, ("confidence", "assumptions"))
    assert found[0] is tests[0]
    names = [test.check for test in found]
    assert names.count("calibration") == 1
    assert not {"confidence", "assumptions"} & set(names)
    assert {"slices", "trade_offs", "learning_curve"} <= set(names)


def test_without_test_rows_auto_says_so_once_a_check(around: Context) -> None:
    found = asked(changed(around, rows=np.empty(0, dtype=np.int64)), auto=True)
    silent = [each.check for each in found if each.reason == NO_TEST_ROWS]
    assert len(silent) == len(set(silent))
    assert {"calibration", "confidence", "slices"} <= set(silent)


@pytest.mark.parametrize("error", [DataError("not these"), ValueError("not these")])
def test_a_model_that_refuses_what_auto_asks_of_it_hides_nothing(around: Context, error: Exception) -> None:
    def refuse(table: object) -> Any:
        raise error

    best = replace(around.subjects[0], predict=refuse)
    found = asked(changed(around, subjects=(best,)), auto=True)
    assert {"perturbation"} <= {each.check for each in found if each.status == "error"}
    assert {"calibration", "confidence", "slices", "assumptions"} <= {
        each.check for each in found if each.status != "error"
    }


# -- whole runs --------------------------------------------------------------------------------------------------------


def test_a_run_keeps_what_auto_and_the_author_asked_for(tmp_path: Path) -> None:
    (tmp_path / "own_beside.py").write_text(OWN)
    suite = {
        "auto": True,
        "calibration": {"bins": 5},
        "confidence": "none",
        "own_beside:count": {},
        "assumptions": "none",
    }
    made = trained(tmp_path, "multiclass", evaluation=suite)
    found = read_findings(made.folder or tmp_path)
    checks = {each.check for each in found}
    assert {"calibration", "slices", "own_beside:count", "learning_curve"} <= checks
    assert not {"confidence", "assumptions"} & checks
    own = [each for each in found if each.check == "own_beside:count"]
    assert {each.model for each in own} == {"lda", "gaussian_nb", "random", "zero_rule"}
    assert {each.value for each in own} == {52.0}


def test_the_plan_shows_what_the_evaluation_will_fit(tmp_path: Path) -> None:
    table("multiclass").write_csv(tmp_path / "rows.csv")
    data = {"path": "rows.csv", "target": "y", "id": "id"}
    models: dict[str, Any] = {"lda": {}, "gaussian_nb": {}}
    spec: dict[str, Any] = {"experiment": "small", "data": data, "models": models, "split": {"folds": 2}}
    found = make_plan(write_spec(tmp_path, json.dumps({**spec, "evaluation": {"learning_curve": {}}})), (), OPTIONS)
    assert found.evaluation.tests == ("learning_curve",)
    assert found.evaluation.fits == pytest.approx(2 * 3 * (0.1 + 0.2 + 0.4 + 0.7))  # models × repeats × sizes below 1
    found = make_plan(write_spec(tmp_path, json.dumps(spec)), (), OPTIONS)
    assert "learning_curve" in (*found.evaluation.tests, *found.evaluation.left_out)
    assert found.evaluation.fits <= sum(line.unshared + 1 for line in found.lines)


OPTIONS = TrainOptions(executor="serial", jobs=1)
