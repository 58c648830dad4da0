"""Comparing: differences on the same rows with intervals, what changed, and a reason where nothing can be said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import AUC, LOSS, USUAL, make_run, model, record, trial_of

from mlrun.cli import run
from mlrun.compare import Comparison, compare, exit_code, word_for
from mlrun.comparison.changes import spec_changes
from mlrun.comparison.paired import metric_of
from mlrun.records import Difference, MetricSpec
from mlrun.side_by_side import brief
from mlrun.store.run_record import MetricRecord, RunRecord, TaskRecord

ROWS = 200
ONE = (model("xgboost", 0.93),)


def predictions(noise: float, ids: Sequence[Any] | None = None, seed: int = 1) -> pl.DataFrame:
    """Return stored predictions of the same test rows; the more noise, the worse."""
    truth = np.random.default_rng(0).integers(0, 2, ROWS)
    scores = 2 * truth - 1 + noise * np.random.default_rng(seed).normal(size=ROWS)
    chance = 1 / (1 + np.exp(-scores))
    return pl.DataFrame(
        {
            "row": list(ids) if ids is not None else np.arange(ROWS),
            "part": ["test"] * ROWS,
            "truth": np.where(truth == 1, ">50K", "<=50K"),
            "prediction": np.where(chance > 0.5, ">50K", "<=50K"),
            "p_0": 1 - chance,
            "p_1": chance,
        }
    )


def two_runs(
    root: Path,
    first: float,
    second: float,
    made: RunRecord | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Comparison:
    """Return the comparison of two runs of one model; noise of its predictions, changes of the second run."""
    made = made or record(ONE)
    old = make_run(root, made, predictions={"xgboost": predictions(first)})
    new = make_run(root, made, **{"predictions": {"xgboost": predictions(second, seed=2)}, **(changes or {})})
    return compare([old, new])


# -- differences -------------------------------------------------------------------------------------------------------


def test_a_worse_model_is_a_regression_with_an_interval_below_zero(tmp_path: Path) -> None:
    comparison = two_runs(tmp_path, 0.5, 3.0)
    best = comparison.pairs[0].findings[0]
    assert (best.best, best.word, best.part) == (True, "worse", "test")
    assert best.difference.high is not None
    assert best.difference.high < 0
    assert exit_code(comparison, fail_on_regression=True) == 1
    assert exit_code(comparison, fail_on_regression=False) == 0


def test_a_better_model_is_no_regression(tmp_path: Path) -> None:
    comparison = two_runs(tmp_path, 3.0, 0.5)
    assert comparison.pairs[0].findings[0].word == "better"
    assert exit_code(comparison, fail_on_regression=True) == 0


def test_less_is_better_where_the_metric_says_so(tmp_path: Path) -> None:
    made = record(ONE, metrics=(LOSS, AUC))
    assert two_runs(tmp_path, 0.5, 3.0, made).pairs[0].findings[0].word == "worse"
    assert two_runs(tmp_path, 3.0, 0.5, made).pairs[0].findings[0].word == "better"


def test_equal_predictions_are_the_same_without_an_interval_to_argue_about(tmp_path: Path) -> None:
    same = {"predictions": {"xgboost": predictions(1.0)}}
    comparison = two_runs(tmp_path, 1.0, 1.0, changes=same)
    assert comparison.pairs[0].findings[0].word == "same within rope"
    assert exit_code(comparison, fail_on_regression=True) == 0


def test_the_difference_of_auc_is_that_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.metrics import roc_auc_score

    found = two_runs(tmp_path, 1.0, 2.0).pairs[0].findings[0].difference
    one, other = predictions(1.0), predictions(2.0, seed=2)
    expected = roc_auc_score(other["truth"] == ">50K", other["p_1"]) - roc_auc_score(one["truth"] == ">50K", one["p_1"])
    assert found.difference == pytest.approx(expected, abs=1e-12)


def test_the_interval_of_log_loss_is_that_of_a_paired_t_test(tmp_path: Path) -> None:
    from scipy.stats import ttest_rel

    found = two_runs(tmp_path, 1.0, 2.0, record(ONE, metrics=(LOSS,))).pairs[0].findings[0].difference

    def losses(table: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
        truth = (table["truth"] == ">50K").to_numpy()
        return -np.log(np.where(truth, table["p_1"].to_numpy(), table["p_0"].to_numpy()))

    expected = ttest_rel(losses(predictions(2.0, seed=2)), losses(predictions(1.0)))
    bounds = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high), rel=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)


def test_rows_are_joined_by_id_whatever_their_order(tmp_path: Path) -> None:
    ids = [f"p{number:03}" for number in range(ROWS)]
    mixed = predictions(3.0, ids, seed=2).sample(fraction=1.0, shuffle=True, seed=0)
    old = make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(0.5, ids)})
    new = make_run(tmp_path, record(ONE), predictions={"xgboost": mixed}, data={"test": "other", "rows_id": "other"})
    straight = make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(3.0, ids, seed=2)})
    found, expected = (pair.findings[0].difference for pair in compare([old, new, straight]).pairs)
    assert found.difference == pytest.approx(expected.difference)


def test_every_model_of_both_runs_is_compared(tmp_path: Path) -> None:
    stored = {each.name: predictions(1.0, seed=place) for place, each in enumerate(USUAL)}
    made = record(USUAL)
    old, new = (make_run(tmp_path, made, predictions=stored) for _ in range(2))
    findings = compare([old, new]).pairs[0].findings
    assert [(each.best, each.model) for each in findings] == [
        (True, "xgboost"),
        *((False, each.name) for each in USUAL),
    ]


def test_rows_on_which_a_baseline_is_silent_are_left_out(tmp_path: Path) -> None:
    silent = predictions(1.0).with_columns(pl.when(pl.col("row") >= 50).then(pl.col("prediction", "p_0", "p_1")))
    comparison = two_runs(tmp_path, 1.0, 2.0, changes={"predictions": {"xgboost": silent}})
    assert comparison.pairs[0].findings[0].word == "same within rope"


def test_without_test_rows_the_same_folds_decide(tmp_path: Path) -> None:
    """By hand: differences 0.02 ± 0.0158 (sd), variance × (1/5 + 1/4): t = 1.886, p = 0.1324 of 4 degrees."""
    none: dict[str, Any] = {"data": {"test_rows": 0}}
    made = record((model("xgboost", 0.9, test={}),))
    gaps = (0.0, 0.01, 0.02, 0.03, 0.04)
    old = make_run(tmp_path, made, trials=[trial_of("xgboost", [0.9] * 5)], **none)
    new = make_run(tmp_path, made, trials=[trial_of("xgboost", [0.9 + gap for gap in gaps])], **none)
    found = compare([old, new]).pairs[0].findings[0]
    assert (found.part, found.word) == ("folds", "undecided")
    assert found.difference.difference == pytest.approx(0.02)
    assert found.difference.p_value == pytest.approx(0.1324, abs=5e-4)


# -- what cannot be compared -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "changes", "reason"),
    [
        (record(ONE, task=TaskRecord("regression")), {}, "another task"),
        (record(ONE, task=TaskRecord("classification", (">50K", "<=50K"), "<=50K")), {}, "other labels"),
        (record(ONE, metrics=(LOSS,)), {}, "another metric"),
        (record(ONE), {"spec": {"data": {"target": "age"}}}, "another target"),
        (record(ONE), {"spec": {"data": {"target": "income"}}, "data": {"test": "other"}}, "other test rows"),
        (record(ONE), {"data": {"test_rows": 0}}, "other test rows"),
        (record(ONE, metrics=()), {}, "no scores"),
        (record(ONE, task=None), {}, "does not say what its task was"),
    ],
)
def test_what_cannot_be_compared_says_why_and_exits_3(
    tmp_path: Path, made: RunRecord, changes: dict[str, Any], reason: str
) -> None:
    old = make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(1.0)})
    new = make_run(tmp_path, made, predictions={"xgboost": predictions(1.0)}, **changes)
    comparison = compare([old, new])
    assert reason in comparison.pairs[0].obstacle
    assert comparison.pairs[0].findings == ()
    assert exit_code(comparison, fail_on_regression=True) == 3


def test_other_ids_are_other_test_rows(tmp_path: Path) -> None:
    other = {
        "predictions": {"xgboost": predictions(1.0, [f"q{number}" for number in range(ROWS)])},
        "data": {"test": "o"},
    }
    comparison = two_runs(tmp_path, 1.0, 1.0, changes=other)
    assert comparison.pairs[0].obstacle.startswith("other test rows, and the data of income@2 cannot be loaded again: ")
    assert exit_code(comparison, fail_on_regression=False) == 3


def test_a_changed_truth_is_not_compared(tmp_path: Path) -> None:
    turned = predictions(1.0).with_columns(truth=pl.lit(">50K"))
    comparison = two_runs(tmp_path, 1.0, 1.0, changes={"predictions": {"xgboost": turned}})
    assert "with another truth" in comparison.pairs[0].obstacle


def test_missing_predictions_say_so(tmp_path: Path) -> None:
    comparison = two_runs(tmp_path, 1.0, 1.0, changes={"predictions": {}})
    assert "has no predictions/xgboost.parquet" in comparison.pairs[0].obstacle


def test_damaged_predictions_say_so(tmp_path: Path) -> None:
    old, new = (make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(1.0)}) for _ in range(2))
    (new / "predictions" / "xgboost.parquet").write_bytes(b"PAR1")
    assert "predictions/xgboost.parquet of income@2 is damaged" in compare([old, new]).pairs[0].obstacle


def test_whole_models_and_lists_of_metrics_are_told_by_their_names() -> None:
    assert brief({"family": "ridge", "space": [{}]}) == "ridge"
    assert brief([{"name": "rmse", "params": {}}, {"name": "mae", "params": {}}]) == "rmse, mae"
    assert brief({"choice": [1, None]}) == "[1, null]"
    assert brief({"high": 1, "low": 0}) == '{"high": 1, "low": 0}'
    assert brief([]) == "[]"


def test_a_run_without_provenance_is_told_not_guessed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLRUN_RUNS", str(tmp_path))
    make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(1.0)})
    make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(1.0)}, provenance=False)
    assert run(["compare", "income@1", "income@2"]) == 3
    written = " ".join(capsys.readouterr().out.split())
    assert "income@2 has no readable code.json, env.json, data.json, spec.resolved.json: not compared" in written


# -- what changed ------------------------------------------------------------------------------------------------------


def test_changes_name_spec_data_and_packages(tmp_path: Path) -> None:
    old = make_run(tmp_path, record(ONE))
    new = make_run(
        tmp_path,
        record(ONE),
        spec={"seed": 7},
        data={"rows_id": "x", "data_id": "y", "rows": 1001, "columns": {"age": "01", "income": "03", "new": "04"}},
    )
    env = {"packages": {"python": "3.11.7", "numpy": "2.5.0"}, "machine": {"architecture": "aarch64"}}
    (new / "env.json").write_text(json.dumps(env))
    told = [str(change) for change in compare([old, new], tests=False).pairs[0].changes]
    assert told == [
        "seed: 0 → 7",
        "rows: 1000 → 1001",
        "values of income: 02 → 03",
        "column new: (not set) → there",
        "numpy: 2.4.6 → 2.5.0",
        "architecture: x86_64 → aarch64",
    ]


def test_the_same_rows_in_another_order_are_told_as_that(tmp_path: Path) -> None:
    old, new = make_run(tmp_path, record(ONE)), make_run(tmp_path, record(ONE), data={"rows_id": "x"})
    (change,) = compare([old, new], tests=False).pairs[0].changes
    assert change.path == "order of rows"


def test_another_patch_on_the_same_commit_is_a_change_of_code(tmp_path: Path) -> None:
    old, new = (make_run(tmp_path, record(ONE)) for _ in range(2))
    for folder, patch in ((old, "1" * 64), (new, "2" * 64)):
        code = {"git": {"commit": "f" * 40, "branch": "main", "dirty": True, "patch_sha256": patch}, "user_code": ""}
        (folder / "code.json").write_text(json.dumps(code))
    (change,) = compare([old, new], tests=False).pairs[0].changes
    assert (change.what, change.old, change.new) == ("code", "1" * 12, "2" * 12)


VALUES = st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2))
TREES = st.recursive(
    st.dictionaries(st.text(min_size=1, max_size=3), VALUES, max_size=3),
    lambda inner: st.dictionaries(st.text(min_size=1, max_size=3), inner | VALUES, max_size=3),
    max_leaves=6,
)


@given(TREES, TREES)
def test_specs_differ_exactly_where_changes_are_told(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert not list(spec_changes(old, old))
    assert bool(list(spec_changes(old, new))) == (old != new)


# -- words, metrics, what is printed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "direction", "word"),
    [
        (Difference(0.1, 0.05, 0.15), "maximize", "better"),
        (Difference(0.1, 0.05, 0.15), "minimize", "worse"),
        (Difference(-0.1, -0.15, -0.05), "maximize", "worse"),
        (Difference(0.1, -0.05, 0.15), "maximize", "undecided"),
        (Difference(0.1, 0.0, 0.15), "maximize", "undecided"),
        (Difference(0.1), "maximize", "undecided"),
        (Difference(0.0, 0.0, 0.0), "maximize", "same within rope"),
        (Difference(0.0), "maximize", "same within rope"),
        (Difference(0.0, -0.1, 0.1), "maximize", "undecided"),
        (Difference(None), "maximize", ""),
    ],
)
def test_the_word_follows_from_the_interval_and_the_direction(found: Difference, direction: Any, word: str) -> None:
    assert word_for(found, direction) == word


@pytest.mark.parametrize(
    "spec",
    [MetricSpec("rmse"), MetricSpec("precision_at", {"k": 0.05}), MetricSpec("pinball", {"alpha": 0.1})],
)
def test_a_metric_is_read_back_from_its_label(spec: MetricSpec) -> None:
    assert metric_of(spec.label) == spec


def test_a_metric_of_the_users_own_is_not_run(tmp_path: Path) -> None:
    own = record(ONE, metrics=(MetricRecord("mine:score", "maximize"),))
    assert "which compare does not run" in two_runs(tmp_path, 1.0, 2.0, own).pairs[0].obstacle


def test_three_runs_stand_side_by_side_within_80_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLRUN_RUNS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    for noise in (1.0, 2.0, 0.3):
        make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(noise, seed=3)})
    assert run(["compare", "income@1", "income@2", "income@3", "--fail-on-regression"]) == 1
    written = capsys.readouterr().out
    assert "income@2 is worse than income@1" in written
    assert "income@3 is better than income@1" in written
    assert "DeLong" in written or "not shown" in written
    assert max(len(line) for line in written.splitlines() if "  " in line) <= 80  # rows; a pipe folds no sentence


def test_json_holds_the_exact_differences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLRUN_RUNS", str(tmp_path))
    comparison = two_runs(tmp_path, 1.0, 2.0)
    assert run(["compare", "income@1", "income@2", "--format", "json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["runs"]
    expected = comparison.pairs[0].findings[0].difference
    assert (told["differences"][0]["low"], told["differences"][0]["high"]) == (expected.low, expected.high)
    assert told["comparable"] is True


def test_a_run_that_failed_has_no_best_to_compare(tmp_path: Path) -> None:
    failed = record((replace(ONE[0], status="failed"),), status="failed", best=None)
    old = make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(1.0)})
    comparison = compare([old, make_run(tmp_path, failed)])
    assert exit_code(comparison, fail_on_regression=True) == 3
