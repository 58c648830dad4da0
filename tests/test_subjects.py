"""Who is evaluated: champions that answer any rows as they answered test, and are fitted again as they were fitted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_process import run, write_spec
from numpy.testing import assert_array_equal
from small_runs import MODELS, ROWS, table

from mlrun import catalog, runs
from mlrun.baseline_subjects import DRAWS_ANEW, GIVEN_BY_ROW, NEEDS_TRAINING_ROWS, why_silent
from mlrun.check_contracts import Context, Subject
from mlrun.course import Course
from mlrun.errors import DataError
from mlrun.leaderboard import baseline_line, model_line
from mlrun.opening import open_run
from mlrun.predict import predict_table
from mlrun.ready import make_ready
from mlrun.records import Prediction
from mlrun.references import resolve_references
from mlrun.run_options import TrainOptions
from mlrun.spec import BaselineSpec
from mlrun.subjects import context_of
from mlrun.train import make_course, search

TEST_ROWS = round(0.2 * ROWS)


def spec_in(folder: Path, kind: str = "binary", rows: pl.DataFrame | None = None, **sections: Any) -> Path:
    """Write a spec and its rows."""
    (table(kind) if rows is None else rows).write_csv(folder / "rows.csv")
    data = {"path": "rows.csv", "target": "y", "id": "id", **sections.pop("data", {})}
    whole: dict[str, Any] = {
        "experiment": "small",
        "data": data,
        "models": MODELS[kind],
        "split": {"folds": 2},
        "evaluation": "none",
        **({"task": "anomaly"} if kind == "anomaly" else {}),
        **({"costs": {"false_negative": 5, "false_positive": 1}} if kind == "binary" else {}),
        **sections,
    }
    return write_spec(folder, json.dumps(whole))


@contextmanager
def under_way(spec: Path) -> Iterator[tuple[Course, Context]]:
    """Yield a run whose champions are crowned, as the evaluation meets it."""
    ready, options = make_ready(spec, (), None), TrainOptions(executor="serial", jobs=1)
    references = resolve_references(ready.spec, runs.runs_root(ready.spec.folder, None))
    with (
        open_run(ready.spec, ready.identity, options) as opened,
        catalog.find("executors", "serial").make(1) as executor,
    ):
        course = make_course(ready, opened, executor, lambda event: None)
        for _ in search(course, ready.models):
            pass
        lines = [model_line(course, contest) for contest in course.contests.values()]
        lines += [baseline_line(course, baseline) for baseline in references.baselines]
        yield course, context_of(course, lines, references.baselines)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Course, Context]]:
    with under_way(spec_in(tmp_path_factory.mktemp("binary"))) as found:
        yield found


def assert_equal(found: Prediction, expected: Prediction | None) -> None:
    assert expected is not None
    assert_array_equal(found.values, expected.values)
    for name in ("probabilities", "scores"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert (ours is None) == (theirs is None), name
        if ours is not None:
            assert_array_equal(ours, theirs)


def differ(one: Prediction, other: Prediction) -> bool:
    assert one.probabilities is not None
    assert other.probabilities is not None
    return not np.array_equal(one.probabilities, other.probabilities)


def asked(subject: Subject, rows: pl.DataFrame) -> Prediction:
    assert subject.predict is not None
    return subject.predict(rows)


def models_of(context: Context) -> list[Subject]:
    return [subject for subject in context.subjects if subject.kind == "model"]


# -- champions ---------------------------------------------------------------------------------------------------------


def test_a_champion_says_of_test_what_it_said(binary: tuple[Course, Context]) -> None:
    _, context = binary
    assert [subject.name for subject in models_of(context)] == list(MODELS["binary"])
    for subject in models_of(context):
        assert_equal(asked(subject, context.table), subject.test)
        backwards = asked(subject, context.table.reverse())
        assert_array_equal(backwards.values[::-1], subject.test.values if subject.test else None)


@pytest.mark.parametrize("kind", ["multiclass", "regression", "anomaly"])
def test_so_does_one_of_every_task(tmp_path: Path, kind: str) -> None:
    sections: dict[str, Any] = {}
    rows = table(kind)
    if kind == "regression":
        rows, sections = rows.with_columns(y=pl.col("y").exp().clip(0.001, 1e6)), {"target_transform": "log"}
    with under_way(spec_in(tmp_path, kind, rows, **sections)) as (_, context):
        for subject in models_of(context):
            assert_equal(asked(subject, context.table), subject.test)
            assert subject.refit is not None
            (again,) = subject.refit([(context.train, [context.rows])])
            assert_equal(again.predictions[0], subject.test)


def test_fitted_again_on_all_of_train_it_is_the_champion(binary: tuple[Course, Context]) -> None:
    _, context = binary
    first, second = context.rows[:20], context.rows[20:]
    for subject in models_of(context):
        assert subject.refit is not None
        whole, half = subject.refit([(context.train, [first, second]), (context.train[::2], [context.rows])])
        assert whole.failure == half.failure == ""
        assert [len(part.values) for part in whole.predictions] == [20, TEST_ROWS - 20]
        assert subject.test is not None
        assert_array_equal(np.concatenate([part.values for part in whole.predictions]), subject.test.values)
        if subject.test.probabilities is not None:
            both = np.concatenate([part.probabilities for part in whole.predictions if part.probabilities is not None])
            assert_array_equal(both, subject.test.probabilities)
        assert differ(half.predictions[0], subject.test)


def test_a_fit_that_fails_hides_no_other(binary: tuple[Course, Context]) -> None:
    _, context = binary
    subject = context.subject("logistic_regression")
    assert subject.refit is not None
    assert context.dataset.truth is not None
    of_one_class = context.train[context.dataset.truth[context.train] == 1]
    broken, whole = subject.refit([(of_one_class, [context.rows]), (context.train, [context.rows])])
    assert broken.failure
    assert broken.predictions == ()
    assert_equal(whole.predictions[0], subject.test)


def test_folds_are_shown_as_test_is(binary: tuple[Course, Context]) -> None:
    course, context = binary
    for subject in models_of(context):
        assert [fold.name for fold, _, _ in subject.folds] == [fold.name for fold in context.folds]
        champion = course.contests[subject.name].champion
        assert champion is not None
        for fold, prediction, _ in subject.folds:
            plain = course.contests[subject.name].best_predictions[fold.name]
            assert_equal(prediction, plain if champion.wrapping is None else champion.wrapping.apply(plain))
    cut = context.subject("cut")
    assert cut.test is not None
    assert cut.test.probabilities is not None
    positive = cut.test.probabilities[:, 1] >= 1 / 6  # 1 / (1 + 5): the threshold that the costs ask for
    assert_array_equal(cut.test.values, positive.astype(int))


def test_what_the_training_cost_is_counted_in_fits(binary: tuple[Course, Context]) -> None:
    _, context = binary
    assert context.training_fits == 3 * (2 + 1)  # one trial on two folds and the champion each; a vote fits nothing
    assert context.subject("vote").members == ("logistic_regression", "calibrated")
    assert context.best in {subject.name for subject in models_of(context)}


@pytest.mark.parametrize("refit_on", ["train", "all"])
def test_a_champion_that_was_taken_over_answers_as_a_fresh_one(tmp_path: Path, refit_on: str) -> None:
    spec = spec_in(tmp_path, final={"refit_on": refit_on})
    with under_way(spec) as (_, context):
        fresh = {subject.name: (asked(subject, context.table), subject.folds) for subject in models_of(context)}
    first = run(spec)
    assert first.record["status"] == "complete"
    with under_way(spec) as (course, context):
        for subject in models_of(context):
            champion = course.contests[subject.name].champion
            assert champion is not None
            if subject.name != "vote":
                assert champion.model is None  # taken over: nothing was fitted
            answer, folds = fresh[subject.name]
            assert_equal(asked(subject, context.table), answer)
            assert_equal(answer, subject.test)
            for (_, then, _), (_, now, _) in zip(folds, subject.folds, strict=True):
                assert_equal(now, then)
            assert subject.refit is not None
            (again,) = subject.refit([(context.train, [context.rows])])
            assert_equal(again.predictions[0], subject.test)


def test_what_is_stored_after_a_fit_on_all_rows_is_not_what_is_judged(tmp_path: Path) -> None:
    spec = spec_in(tmp_path, final={"refit_on": "all"}, models={"logistic_regression": {"C": 1}})
    done = run(spec)
    assert done.folder is not None
    with under_way(spec) as (_, context):
        (subject,) = models_of(context)
        stored = predict_table(done.folder, context.table, context.dataset.task)
        judged = asked(subject, context.table)
        assert_equal(judged, subject.test)
        assert differ(judged, stored)


OWN = """
import os
import numpy as np
from sklearn.linear_model import LogisticRegression

class Own(LogisticRegression):
    def predict_proba(self, X):
        if np.asarray(X).max() > 100:
            os._exit(3)
        return super().predict_proba(X)

def build(params, seed):
    return Own()
"""


def test_a_model_of_the_author_s_own_is_asked_where_it_can_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_subject.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = spec_in(tmp_path, models={"own": {"family": "own_subject:build"}}, prepare={"numeric": {"scale": "none"}})
    with under_way(spec) as (_, context):
        (subject,) = models_of(context)
        assert_equal(asked(subject, context.table), subject.test)
        with pytest.raises(DataError, match="it cannot predict these rows"):
            asked(subject, context.table.with_columns(a=pl.lit(500.0)))
        assert_equal(asked(subject, context.table), subject.test)


def test_what_has_no_champion_or_said_nothing_is_no_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_broken.py").write_text("def build(params, seed):\n    raise ValueError('broken')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    models = {"gaussian_nb": {}, "broken": {"family": "own_broken:build"}}
    with under_way(spec_in(tmp_path, models=models, baselines=["zero_rule"])) as (_, context):
        assert [subject.name for subject in context.subjects] == ["gaussian_nb", "zero_rule"]


def test_without_test_rows_nobody_said_anything_of_them(tmp_path: Path) -> None:
    spec = spec_in(tmp_path, models={"gaussian_nb": {}}, split={"test": 0, "folds": 2})
    with under_way(spec) as (_, context):
        assert [subject.test for subject in context.subjects] == [None, None, None]
        model = context.subject("gaussian_nb")
        assert len(asked(model, context.dataset.table[:5]).values) == 5
        assert len(context.rows) == 0


# -- baselines ---------------------------------------------------------------------------------------------------------


def with_columns(folder: Path, kind: str) -> pl.DataFrame:
    """Return rows with an expert's label on most, an old score, a time, and a file of other labels beside."""
    rows = table(kind)
    said = [label if number % 3 else None for number, label in enumerate(rows["y"])]
    rows.select("id", prediction="y").write_csv(folder / "said.csv")
    day = pl.Series([f"2026-{1 + number // 28:02}-{1 + number % 28:02}" for number in range(ROWS)])
    return rows.with_columns(expert=pl.Series(said), old=pl.col("a") * 2, day=day)


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_a_baseline_that_can_answer_changed_rows_says_of_test_what_it_said(tmp_path: Path, kind: str) -> None:
    yes = "yes" if kind == "binary" else 3.5
    more: list[Any] = [{"existing": {"name": "old", "column": "old", "is": "score", "at_least": 0.5}}]
    baselines = [
        "zero_rule",
        {"constant": {"name": "always", "value": yes}},
        {"rule": {"name": "rule", "when": "a > 0", "predict": yes, "otherwise": "no" if kind == "binary" else -3.5}},
        {"human": {"name": "expert", "column": "expert"}},
        *(more if kind == "binary" else [{"existing": {"name": "old", "column": "old"}}]),
    ]
    spec = spec_in(tmp_path, kind, with_columns(tmp_path, kind), baselines=baselines, data={"drop": ["day"]})
    with under_way(spec) as (_, context):
        for name in ("zero_rule", "always", "rule", "expert", "old"):
            subject = context.subject(name)
            assert subject.silent == ""
            found = asked(subject, context.table)
            answered = slice(None) if subject.answered is None else subject.answered
            assert subject.test is not None
            assert_array_equal(found.values[answered], subject.test.values[answered])
        changed = asked(context.subject("rule"), context.table.with_columns(a=-pl.col("a")))
        unchanged = context.subject("rule").test
        assert unchanged is not None
        assert (changed.values != unchanged.values).all()
        assert context.subject("expert").answered is not None


def test_an_anomaly_s_distance_is_measured_from_the_training_rows(tmp_path: Path) -> None:
    with under_way(spec_in(tmp_path, "anomaly")) as (_, context):
        subject = context.subject("max_z")
        assert_equal(asked(subject, context.table), subject.test)
        far = asked(subject, context.table.with_columns(a=pl.lit(50.0)))
        assert (far.values == 1).all()


def test_an_earlier_run_answers_changed_rows_too(tmp_path: Path) -> None:
    run(spec_in(tmp_path, models={"gaussian_nb": {}}))
    spec = spec_in(tmp_path, models={"decision_tree": {"max_depth": 2}}, baselines=[{"existing": {"run": "small@1"}}])
    with under_way(spec) as (_, context):
        (subject,) = [each for each in context.subjects if each.kind == "baseline"]
        assert_equal(asked(subject, context.table), subject.test)


def test_a_baseline_that_answers_by_row_or_by_chance_says_why_it_cannot(tmp_path: Path) -> None:
    baselines = ["random", "previous", {"human": {"name": "file", "path": "said.csv", "id": "id"}}]
    rows = with_columns(tmp_path, "binary")
    spec = spec_in(tmp_path, rows=rows, baselines=baselines, data={"drop": ["expert", "old"], "time": "day"})
    with under_way(spec) as (_, context):
        silent = {each.name: (each.predict, each.silent) for each in context.subjects if each.kind == "baseline"}
    assert silent == {
        "random": (None, DRAWS_ANEW),
        "previous": (None, GIVEN_BY_ROW),
        "file": (None, GIVEN_BY_ROW),
    }


@pytest.mark.parametrize(
    ("kind", "params", "here", "away"),
    [
        ("random", {}, DRAWS_ANEW, DRAWS_ANEW),
        ("zero_rule", {"statistic": "mean"}, "", NEEDS_TRAINING_ROWS),
        ("max_z", {}, "", NEEDS_TRAINING_ROWS),
        ("constant", {"value": "median"}, "", NEEDS_TRAINING_ROWS),
        ("constant", {"value": "yes"}, "", ""),
        ("rule", {"when": "a > 1"}, "", ""),
        ("human", {"column": "expert"}, "", ""),
        ("human", {"path": "said.csv"}, GIVEN_BY_ROW, GIVEN_BY_ROW),
        ("existing", {"run": "small@1"}, "", ""),
        ("existing", {"predictions": "said.csv"}, GIVEN_BY_ROW, GIVEN_BY_ROW),
        ("previous", {}, GIVEN_BY_ROW, GIVEN_BY_ROW),
    ],
)
def test_whether_a_baseline_can_be_asked_depends_on_what_it_learns_from(
    kind: str, params: dict[str, Any], here: str, away: str
) -> None:
    baseline = BaselineSpec(kind, kind, params)
    assert why_silent(baseline, training_rows=True) == here
    assert why_silent(baseline, training_rows=False) == away
