"""`mlrun evaluate`: a run's suites once more on its own rows, or on new ones; what is said where that cannot be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import roc_auc_score
from small_runs import ROWS, by_key, statuses, table, trained

from mlrun.checks.drift import NO_PROFILE
from mlrun.cli import run as command
from mlrun.errors import DataError, MlrunError
from mlrun.evaluate import Reevaluation, evaluate, exit_code
from mlrun.predict import predict_table
from mlrun.records import Finding, Task
from mlrun.runs import finish, read_run
from mlrun.store.run_findings import finding_line, parse_finding

KINDS = ("binary", "multiclass", "regression", "anomaly")
NEEDS_FITS = {("learning_curve", ""), ("assumptions", "tractability")}


def ignore(event: object) -> None:
    """Hear nothing."""


def again(run: Path, data: Path | str = "", *trust: str) -> Reevaluation:
    return evaluate(str(run), str(data), trust, None, ignore)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a finished run of each task."""
    made = {}
    for kind in KINDS:
        made[kind] = trained(tmp_path_factory.mktemp(kind), kind).folder
    return {kind: folder for kind, folder in made.items() if folder is not None}


@pytest.fixture(scope="module")
def labelled(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reevaluation]:
    """Return what each run's suites find on new rows."""
    folder = tmp_path_factory.mktemp("labelled")
    return {kind: again(runs[kind], new_rows(folder, kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def blind(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reevaluation]:
    """Return what each run's suites find on the same rows without their labels."""
    folder, found = tmp_path_factory.mktemp("blind"), {}
    for kind in KINDS:
        pl.read_csv(new_rows(folder, kind)).drop("y").write_csv(folder / "blind.csv")
        found[kind] = again(runs[kind], folder / "blind.csv")
    return found


def new_rows(folder: Path, kind: str = "binary", **how: Any) -> Path:
    """Write rows of which the first 60 are rows of the run, and 200 are not."""
    rows = pl.concat([table(kind)[:60], table(kind, 200, seed=1, first=5000, **how)])
    rows.write_csv(folder / "new.csv")
    return folder / "new.csv"


def without_clock(finding: Finding) -> Finding:
    """Return a finding as it is read back from its file, but for what a clock says."""
    read = parse_finding(finding_line(finding), "here")
    return replace(read, details={}, reason="") if finding.check == "trade_offs" else read


# -- its own rows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_rows_give_the_findings_of_the_run_again(runs: dict[str, Path], kind: str) -> None:
    done = again(runs[kind])
    now, then = by_key(done.findings), by_key(done.earlier)
    assert {key for key in then.keys() - now.keys() if "costs more" not in then[key].reason} == set()
    assert {key[0] for key in now.keys() - then.keys()} <= {"assumptions"}  # what was too dear beside the training
    for key in now.keys() & then.keys():
        if (key[0], key[3]) in NEEDS_FITS:
            assert now[key].status == "not_run"
            assert "cannot be fitted again here" in now[key].reason
        else:
            assert without_clock(now[key]) == without_clock(then[key]), key
    assert (done.labelled, done.data, done.notes) == (True, "its own rows", ())
    assert exit_code(done) == 0


def test_what_was_written_is_run_again_and_nothing_else(tmp_path: Path) -> None:
    written = {
        "calibration": {},
        "invariance": {"name": "turned", "swap": {"sex": {"f": "m", "m": "f"}}, "min_rows": 10},
        "slices": {"by": ["sex"], "metric": "accuracy", "discover": "none"},
    }
    made = trained(tmp_path, evaluation=written, data={"sensitive": {"columns": ["sex"], "withhold": False}})
    assert made.folder is not None
    done = again(made.folder)
    assert list(map(without_clock, done.findings)) == list(map(without_clock, done.earlier))
    assert {finding.check for finding in done.findings} == set(written)


def test_a_run_without_an_evaluation_has_nothing_to_conclude(tmp_path: Path) -> None:
    made = trained(tmp_path, evaluation="none")
    done = again(made.folder or tmp_path)
    assert (done.findings, exit_code(done)) == ((), 3)


def test_a_test_that_breaks_on_new_rows_is_no_success() -> None:
    passed, broken = Finding("slices", "slices", "best", status="pass"), Finding("mine", "mine", "best", status="error")
    done = Reevaluation("small@1", "best", "new.csv", 100, True, (passed,), ())
    assert exit_code(done) == 0
    assert exit_code(replace(done, findings=(passed, broken))) == 3


def test_data_that_changed_since_is_told_and_rows_that_were_trained_on_are_left_out(tmp_path: Path) -> None:
    made = trained(tmp_path, "multiclass")
    changed = pl.concat([table("multiclass"), table("multiclass", 100, seed=3, first=900)])
    changed.write_csv(tmp_path / "rows.csv")
    done = again(made.folder or tmp_path)
    assert "the data of small@1 has changed since" in done.notes[0]
    trained_on = round(0.8 * ROWS)
    assert done.notes[1] == f"{trained_on} rows are left out: small@1 was trained on them"
    assert done.rows == ROWS + 100 - trained_on
    assert statuses(done.findings, done.best)["drift"] <= {"pass", "warn", "fail"}


def test_models_that_saw_all_rows_are_only_judged_on_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = trained(tmp_path, "regression", final={"refit_on": "all"})
    assert command(["evaluate", str(made.folder)]) == 2
    assert (
        "was fitted on all of its rows (`final: {refit_on: all}`): name others with --data" in capsys.readouterr().err
    )
    done = again(made.folder or tmp_path, new_rows(tmp_path, "regression"))
    assert (done.rows, done.notes[0]) == (200, "60 rows are left out: small@1 was trained on them")
    with pytest.raises(DataError, match="small@1 was trained on all of these rows"):
        again(made.folder or tmp_path, tmp_path / "rows.csv")


# -- new rows ----------------------------------------------------------------------------------------------------------


def test_new_rows_are_judged_as_scikit_learn_judges_them(
    runs: dict[str, Path], labelled: dict[str, Reevaluation], tmp_path: Path
) -> None:
    done, rows = labelled["binary"], pl.read_csv(new_rows(tmp_path))
    fresh, kept = rows.filter(pl.col("id") >= 5000), rows[:60]
    seen = set(pl.read_parquet(runs["binary"] / "training_rows.parquet")["id"].cast(pl.Int64))
    unseen = kept.filter(~pl.col("id").is_in(list(seen)))
    assert done.rows == 200 + unseen.height
    whole = pl.concat([unseen, fresh])
    said = predict_table(runs["binary"], whole, Task("classification", ("no", "yes")))
    assert said.probabilities is not None
    price = by_key(done.findings)["trade_offs", "trade_offs", str(done.best), ""]
    assert_allclose(price.value or 0, roc_auc_score(whole["y"] == "yes", said.probabilities[:, 1]), rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_with_labels_every_check_speaks_or_says_why_not(labelled: dict[str, Reevaluation], kind: str) -> None:
    done = labelled[kind]
    assert done.labelled
    found = statuses(done.findings, done.best)
    then = statuses(done.earlier, done.best)
    assert set(found) == set(then) | {"drift"}
    assert found["drift"] <= {"pass", "warn", "fail"}
    assert found["learning_curve"] == found["assumptions"] == {"not_run"}
    assert [
        each for each in done.findings if each.status == "error" or (each.status == "not_run" and not each.reason)
    ] == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_labels_what_needs_none_runs_and_the_rest_says_why_not(
    blind: dict[str, Reevaluation], kind: str
) -> None:
    done = blind[kind]
    found = statuses(done.findings, done.best)
    assert not done.labelled
    for check in ("perturbation", "drift", "proxies"):
        assert found[check] & {"pass", "warn", "fail", "info"}, check
    if kind in {"binary", "multiclass"}:
        assert found["confidence"] == {"info"}
        assert found["calibration"] == {"not_run"}
    assert found["slices"] == {"not_run"}
    assert [each for each in done.findings if each.status == "error"] == []
    silent = {
        each.reason for each in done.findings if each.check in {"calibration", "slices"} and each.model == done.best
    }
    assert silent <= {"there are no labels"}
    assert "target" not in {each.variant for each in done.findings}  # of drift
    assert exit_code(done) == 0


def test_an_empty_column_of_labels_is_none(runs: dict[str, Path], tmp_path: Path) -> None:
    rows = pl.read_csv(new_rows(tmp_path, "multiclass")).with_columns(y=pl.lit(None, dtype=pl.String))
    rows.write_csv(tmp_path / "empty.csv")
    assert not again(runs["multiclass"], tmp_path / "empty.csv").labelled


def test_rows_without_a_label_are_left_out_and_told(runs: dict[str, Path], tmp_path: Path) -> None:
    rows = table("multiclass", 200, seed=1, first=5000)
    rows.with_columns(y=pl.when(pl.int_range(200) % 4 > 0).then("y")).write_csv(tmp_path / "some.csv")
    done = again(runs["multiclass"], tmp_path / "some.csv")
    assert (done.rows, done.labelled) == (150, True)
    assert done.notes == ("50 rows are left out: they have no 'y' yet",)


@pytest.mark.parametrize("named", ["id", None])
def test_rows_that_were_trained_on_are_left_out_by_id_or_by_their_digest(tmp_path: Path, named: str | None) -> None:
    made = trained(
        tmp_path, "multiclass", data={"id": named, "drop": [] if named else ["id"]}, evaluation={"slices": {}}
    )
    rows = table("multiclass").sample(fraction=1, shuffle=True, seed=7)
    if named:  # the id alone tells them
        rows = rows.with_columns(b=pl.col("b") + 1)
    rows.write_csv(tmp_path / "mixed.csv")
    done = again(made.folder or tmp_path, tmp_path / "mixed.csv")
    assert done.rows == round(0.2 * ROWS)
    assert done.notes == (f"{round(0.8 * ROWS)} rows are left out: small@1 was trained on them",)


def test_where_nothing_tells_which_rows_were_trained_on_that_is_said(tmp_path: Path) -> None:
    made = trained(tmp_path, "multiclass", data={"id": None, "drop": ["id"]}, evaluation={"slices": {}})
    table("multiclass").drop("id").write_csv(tmp_path / "less.csv")
    done = again(made.folder or tmp_path, tmp_path / "less.csv")
    assert done.rows == ROWS
    assert "rows that the models were trained on may be among these: without the column 'id'" in done.notes[0]


def test_a_column_that_moved_makes_drift_fail_without_failing_the_run(runs: dict[str, Path], tmp_path: Path) -> None:
    done = again(runs["multiclass"], new_rows(tmp_path, "multiclass", shift=2.0))
    drift = {each.variant: each.status for each in done.findings if each.check == "drift" and each.model == ""}
    assert (drift["a"], drift["b"]) == ("fail", "pass")
    assert exit_code(done) == 0  # no test of the author's fails


def test_discovered_slices_are_not_sought_in_the_target(runs: dict[str, Path], tmp_path: Path) -> None:
    # labels of new rows turned round for one class: the plainest slice there is, but it tells the answer
    rows = table("multiclass", 800, seed=1, first=5000)
    rows = rows.with_columns(y=pl.when(pl.col("a") > 0.3).then(pl.lit("low")).otherwise("y"))
    rows.write_csv(tmp_path / "wrong.csv")
    done = again(runs["multiclass"], tmp_path / "wrong.csv")
    found = [each.variant for each in done.findings if each.check == "slices" and each.details.get("discovered")]
    assert any("a " in variant for variant in found)
    assert [variant for variant in found if variant.startswith("y ") or " y " in variant] == []


# -- refusals and reasons ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows.drop("a"), "'a'"),
        (lambda rows: rows.with_columns(y=pl.lit("maybe")), "labels that the run never saw"),
        (lambda rows: rows.with_columns(a=pl.lit("text")), "'a'"),
        (lambda rows: rows[:0], "no rows"),
    ],
)
def test_rows_that_cannot_be_read_as_the_run_s_are_one_sentence(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, told: str
) -> None:
    change(table("binary", 100, seed=1, first=5000)).write_csv(tmp_path / "odd.csv")
    assert command(["evaluate", str(runs["binary"]), "--data", str(tmp_path / "odd.csv")]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said


def test_a_column_that_only_a_test_names_costs_that_test_alone(tmp_path: Path) -> None:
    suite = {
        "slices": {"by": ["sex"], "metric": "accuracy", "discover": "none"},
        "invariance": {"name": "turned", "swap": {"sex": {"f": "m", "m": "f"}}, "min_rows": 10},
        "calibration": {},
    }
    made = trained(tmp_path, "multiclass", evaluation=suite)
    rows = table("multiclass", 200, seed=1, first=5000).drop("sex")
    rows.write_csv(tmp_path / "less.csv")
    done = again(made.folder or tmp_path, tmp_path / "less.csv")
    found = by_key(done.findings)
    lost = [each for each in found.values() if each.check in {"slices", "invariance"} and each.model in {"", done.best}]
    assert {each.status for each in lost} == {"not_run"}
    assert all("'sex'" in each.reason for each in lost)
    assert found["calibration", "calibration", str(done.best), ""].status in {"pass", "warn"}


def test_a_slice_of_nobody_leaves_the_others_to_be_judged(tmp_path: Path) -> None:
    run = trained(tmp_path, evaluation={"slices": {"by": ["sex", {"where": "a > 0"}], "discover": "none"}}).folder
    assert run is not None
    rows = table("binary", first=1000).with_columns(a=-pl.col("a").abs())
    rows.write_csv(tmp_path / "low.csv")
    found = {each.variant: each for each in again(run, tmp_path / "low.csv").findings if each.check == "slices"}
    assert {"sex = f", "sex = m"} < set(found)
    assert found["sex = f"].status != "not_run"
    assert (found["a > 0"].status, found["a > 0"].reason) == ("not_run", "roc_auc looks at 0 rows in it, 10 are needed")


@pytest.mark.parametrize("content", [None, "{}", "[]", "not JSON"])
def test_a_run_without_a_profile_says_so(runs: dict[str, Path], tmp_path: Path, content: str | None) -> None:
    copy = Path(shutil.copytree(runs["binary"], tmp_path / "runs" / "small" / "0001"))
    (copy / "profile.json").unlink()
    if content is not None:
        (copy / "profile.json").write_text(content)
    (found,) = (each for each in again(copy, new_rows(tmp_path)).findings if each.check == "drift")
    assert (found.status, found.reason) == ("not_run", NO_PROFILE)


def test_baselines_that_cannot_answer_say_why(labelled: dict[str, Reevaluation]) -> None:
    done = labelled["binary"]
    for name in ("random", "zero_rule"):
        silent = [each for each in done.findings if each.model == name and each.check != "trade_offs"]
        assert {each.status for each in silent} == {"not_run"}
        assert {each.reason for each in silent} == {"what it says depends on the training rows, which are not at hand"}


OWN_MODEL = """
from sklearn.base import BaseEstimator, ClassifierMixin
import numpy as np

class Own(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        x = np.asarray(X)[:, 0]
        if x.max() > 100:
            raise RuntimeError("too large for me")
        p = 1 / (1 + np.exp(-2 * x))
        return np.column_stack([1 - p, p])

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]

def build(params, seed):
    return Own()
"""


def test_baselines_that_need_no_training_rows_answer_new_ones(tmp_path: Path) -> None:
    trained(tmp_path, "multiclass", evaluation="none")
    rows = table("multiclass").with_columns(expert=pl.col("y"))
    baselines: list[Any] = [
        {"existing": {"name": "before", "run": "small@1"}},
        {"human": {"name": "expert", "column": "expert"}},
        {"rule": {"name": "rule", "when": "a > 0", "predict": "high", "otherwise": "low"}},
    ]
    made = trained(tmp_path, "multiclass", rows, evaluation={"slices": {"by": ["sex"]}}, baselines=baselines)
    own = again(made.folder or tmp_path)
    assert list(map(without_clock, own.findings)) == list(map(without_clock, own.earlier))
    assert {"before", "expert", "rule"} <= {each.model for each in own.findings if each.status != "not_run"}
    fresh = table("multiclass", 200, seed=1, first=5000).with_columns(expert=pl.col("y"))
    fresh.write_csv(tmp_path / "new.csv")
    found = by_key(again(made.folder or tmp_path, tmp_path / "new.csv").findings)
    assert found["slices", "slices", "expert", "sex = f"].value == 1.0
    of_f = fresh.filter(pl.col("sex") == "f")
    right = pl.when(of_f["a"] > 0).then(pl.lit("high")).otherwise(pl.lit("low")) == of_f["y"]
    assert found["slices", "slices", "rule", "sex = f"].value == of_f.select(right.mean()).item()
    fresh.drop("expert").write_csv(tmp_path / "less.csv")
    found = by_key(again(made.folder or tmp_path, tmp_path / "less.csv").findings)
    silent = found["slices", "slices", "expert", ""]
    assert (silent.status, silent.reason) == ("not_run", "these rows lack a column that it needs")
    assert found["slices", "slices", "before", "sex = f"].value is not None


def test_a_model_of_the_author_s_own_is_asked_only_when_it_is_trusted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_model.py").write_text(OWN_MODEL)
    monkeypatch.syspath_prepend(str(tmp_path))
    models = {"own": {"family": "own_model:build"}, "stump": {"family": "decision_tree", "max_depth": 1}}
    made = trained(tmp_path, models=models, evaluation={"calibration": {}})
    assert made.record["best"] == "own"
    arguments = ["evaluate", str(made.folder), "--data", str(new_rows(tmp_path))]
    assert command(arguments) == 2
    assert "--trust own_model" in capsys.readouterr().err
    assert command([*arguments, "--trust", "own_model"]) == 0
    assert "own on " in capsys.readouterr().out
    table("binary", 100, first=7000, shift=500).write_csv(tmp_path / "far.csv")
    assert command([*arguments[:3], str(tmp_path / "far.csv"), "--trust", "own_model"]) == 0  # drift alone speaks
    assert "calibration: it cannot predict these rows (RuntimeError)" in capsys.readouterr().out
    finish(made.folder or tmp_path, replace(read_run(made.folder or tmp_path), best="stump"))
    done = again(made.folder or tmp_path, tmp_path / "new.csv")  # of another that is not the best, one word less
    assert any(note.startswith("own is left out: ") for note in done.notes)
    assert {each.model for each in done.findings} >= {"stump"}
    assert "own" not in {each.model for each in done.findings}


def test_a_model_file_that_is_gone_is_a_sentence(runs: dict[str, Path], tmp_path: Path) -> None:
    copied = tmp_path / "runs" / "small" / "0001"
    shutil.copytree(runs["multiclass"], copied)
    best = json.loads((copied / "run.json").read_text())["best"]
    (copied / "models" / f"{best}.skops").unlink()
    with pytest.raises(MlrunError, match=rf"{best}\.skops"):
        again(copied, new_rows(tmp_path, "multiclass"))


# -- the command -------------------------------------------------------------------------------------------------------


def test_a_test_that_fails_now_and_did_not_is_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = trained(tmp_path, evaluation={"calibration": {}}, models={"logistic_regression": {"C": 1}})
    turned = table("binary", 300, seed=1, first=5000)
    turned = turned.with_columns(y=pl.when(pl.col("y") == "no").then(pl.lit("yes")).otherwise(pl.lit("no")))
    turned.write_csv(tmp_path / "turned.csv")
    arguments = ["evaluate", str(made.folder), "--data", str(tmp_path / "turned.csv")]
    assert command(arguments) == 1
    told = capsys.readouterr().out
    assert "pass → fail" in told
    assert "worse than in the run: calibration" in told
    findings = (made.folder or tmp_path) / "findings.jsonl"
    findings.write_text(findings.read_text().replace('"status": "pass"', '"status": "fail"'))
    assert command(arguments) == 0  # it failed then too


def test_people_read_first_whether_it_got_worse_then_the_scores_then_the_tests_folded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = {"slices": {"by": ["sex"], "metric": "accuracy", "discover": "none"}, "calibration": {}}
    made = trained(tmp_path, evaluation=suite)
    rows = table("binary", 300, seed=1, first=5000, shift=3.0)
    rows = rows.with_columns(y=pl.when(pl.col("y") == "no").then(pl.lit("yes")).otherwise(pl.lit("no")))
    rows.write_csv(tmp_path / "turned.csv")
    command(["evaluate", str(made.folder), "--data", str(tmp_path / "turned.csv")])
    told = capsys.readouterr().out
    places = [told.index(part) for part in ("verdict: worse", "300 rows", "now [95 %]", "\ntests: ", "How far columns")]
    assert places == sorted(places)
    done = again(made.folder or tmp_path, tmp_path / "turned.csv")
    score = done.scores[0]
    assert score.then.value == made.record["models"][0]["test"][score.metric]["value"]
    assert (score.now.value or 0) < (score.then.low or 0)  # it is said even where no test would
    blind = rows.drop("y")
    blind.write_csv(tmp_path / "blind.csv")
    assert again(made.folder or tmp_path, tmp_path / "blind.csv").scores == ()


def test_where_nothing_can_be_concluded_it_is_exit_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = trained(tmp_path, "multiclass", evaluation={"calibration": {}})
    table("multiclass", 30, seed=1, first=5000).drop("y").write_csv(tmp_path / "few.csv")
    assert command(["evaluate", str(made.folder), "--data", str(tmp_path / "few.csv")]) == 3
    told = capsys.readouterr().out
    assert "calibration: there are no labels" in told
    assert "there are only 30 rows; it needs 50" in told


def test_findings_go_to_a_file_a_page_or_a_program(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", str(runs["multiclass"]), "--data", str(new_rows(tmp_path, "multiclass"))]
    before = sorted((each, each.stat().st_mtime_ns) for each in runs["multiclass"].rglob("*"))
    assert command([*arguments, "--format", "json", "--output", str(tmp_path / "found.jsonl")]) == 0
    told = json.loads(capsys.readouterr().out)
    lines = (tmp_path / "found.jsonl").read_bytes().splitlines()
    written = [parse_finding(line, "found.jsonl") for line in lines]
    assert (told["run"], told["labelled"], told["rows"]) == ("small@1", True, told["rows"])
    assert [each["check"] for each in told["findings"]] == [each.check for each in written]
    assert [each["status"] for each in told["findings"]] == [each.status for each in written]
    assert len(told["earlier"]) == len((runs["multiclass"] / "findings.jsonl").read_bytes().splitlines())
    assert sorted((each, each.stat().st_mtime_ns) for each in runs["multiclass"].rglob("*")) == before  # untouched
    assert command([*arguments, "--format", "csv"]) == 0
    rows = pl.read_csv(capsys.readouterr().out.encode())
    assert rows.height == len(written)
    assert command([*arguments, "--format", "markdown"]) in {0, 2}


def test_where_the_findings_cannot_be_written_is_said_before_anything_is_asked(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = new_rows(tmp_path, "multiclass")
    arguments = ["evaluate", str(runs["multiclass"]), "--data", str(data)]
    assert command([*arguments, "--output", str(tmp_path / "no" / "found.jsonl")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    content = data.read_bytes()
    assert command([*arguments, "--output", str(data)]) == 2
    assert "would replace the rows" in capsys.readouterr().err
    assert data.read_bytes() == content


def test_a_run_that_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["evaluate", "nobody@3", "--runs", str(tmp_path)]) == 2
    assert "nobody" in capsys.readouterr().err
