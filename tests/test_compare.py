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
from mlrun.compare import Comparison, Pair, compare, exit_code
from mlrun.comparison.changes import spec_changes
from mlrun.comparison.paired import metric_of
from mlrun.comparison.words import rows_to_decide, word_for
from mlrun.records import Difference, Finding, MetricSpec
from mlrun.runs import write_findings
from mlrun.store.run_record import BudgetRecord, MetricRecord, RunRecord, TaskRecord
from mlrun.view.comparison import brief
from mlrun.view.outcomes import outcomes, told_outcome

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
        (record(ONE), {"spec": {"data": {"target": None}}}, "another target: 'income', then the source's own"),
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
        "column new: not there → there",
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


# -- the rope, many models, folds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (Difference(0.001, -0.003, 0.005), "same within rope"),
        (Difference(0.002, 0.001, 0.003), "same within rope"),
        (Difference(0.004, 0.001, 0.007), "better"),
        (Difference(0.001, -0.003, 0.006), "undecided"),
        (Difference(-0.02, -0.03, -0.01), "worse"),
    ],
)
def test_a_difference_within_the_rope_is_the_same(found: Difference, word: str) -> None:
    assert word_for(found, "maximize", 0.005) == word


def test_rows_that_would_decide_shrink_the_interval_by_their_root() -> None:
    """A difference of .1 ± .196 on 100 rows: ± .1 at 384, so about 290 more; within ± .2 at the same number."""
    assert rows_to_decide(Difference(0.1, -0.096, 0.296), 100, 0.95, 0.0) == 290
    assert rows_to_decide(Difference(0.1, -0.096, 0.296), 100, 0.95, 0.2) == 290
    assert rows_to_decide(Difference(0.0, -0.196, 0.196), 100, 0.95, 0.1) == 290
    assert rows_to_decide(Difference(0.0, -0.196, 0.196), 100, 0.95, 0.0) is None
    assert rows_to_decide(Difference(None), 100, 0.95, 0.1) is None


def test_the_reference_says_the_rope_and_the_confidence(tmp_path: Path) -> None:
    wide = {"evaluation": {"rope": 0.9, "confidence": 0.5}}
    old = make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(0.5)}, spec=wide)
    new = make_run(tmp_path, record(ONE), predictions={"xgboost": predictions(3.0)})
    assert compare([old, new]).pairs[0].findings[0].word == "same within rope"
    back = compare([new, old])
    assert (back.rope, back.confidence) == (0.005, 0.95)
    assert back.pairs[0].findings[0].word == "better"
    widths = [
        float(found.difference.high or 0) - float(found.difference.low or 0)
        for found in (compare([old, new]).pairs[0].findings[0], back.pairs[0].findings[0])
    ]
    assert widths[0] == pytest.approx(widths[1] * 0.6745 / 1.9600, rel=1e-3)  # 50 % against 95 % of a normal


def test_many_models_are_held_together_by_holm(tmp_path: Path) -> None:
    from mlrun.statistics import holm

    names = [f"model_{number}" for number in range(6)]
    made = record([model(name, 0.9) for name in names])
    old = make_run(tmp_path, made, predictions={name: predictions(1.5, seed=place) for place, name in enumerate(names)})
    new = make_run(
        tmp_path, made, predictions={name: predictions(1.35, seed=place + 50) for place, name in enumerate(names)}
    )
    best, *rest = compare([old, new]).pairs[0].findings
    assert best.p_holm is None
    expected = holm([float(each.difference.p_value or 0) for each in rest])
    assert [each.p_holm for each in rest] == pytest.approx(expected)
    for each in rest:
        assert (each.word in ("better", "worse")) <= (float(each.p_holm or 0) < 0.05)
    assert any(each.word == "undecided" and float(each.difference.p_value or 1) < 0.05 for each in rest), (
        "a model that chance singled out among six must not be called better"
    )


def test_folds_tell_the_chances_of_worse_same_and_better(tmp_path: Path) -> None:
    """Two repeats of five folds: a fold tests a fifth, so the variance is × (1/10 + 1/4), and not × (1/10 + 1/9)."""
    from scipy.stats import t

    none: dict[str, Any] = {"data": {"test_rows": 0}, "spec": {"split": {"test": 0, "folds": 5, "repeats": 2}}}
    made = record((model("xgboost", 0.9, test={}),))
    gaps = np.array([0.0, 0.01, 0.02, 0.03, 0.04, 0.01, 0.02, 0.0, 0.03, 0.01])
    old = make_run(tmp_path, made, trials=[trial_of("xgboost", [0.9] * 10)], **none)
    new = make_run(tmp_path, made, trials=[trial_of("xgboost", [0.9 + gap for gap in gaps])], **none)
    found = compare([old, new]).pairs[0].findings[0]
    scale = np.sqrt(gaps.var(ddof=1) * (1 / 10 + 1 / 4))
    posterior = t(9, loc=gaps.mean(), scale=scale)
    expected = (posterior.cdf(-0.005), posterior.cdf(0.005) - posterior.cdf(-0.005), posterior.sf(0.005))
    assert found.chances == pytest.approx(expected, rel=1e-6)
    assert found.difference.p_value == pytest.approx(2 * t.sf(gaps.mean() / scale, 9), rel=1e-6)


# -- what the checks found ---------------------------------------------------------------------------------------------


def finding(
    variant: str, status: Any, value: float, *, check: str = "slices", model: str = "xgboost", **more: Any
) -> Finding:
    details = {"rest": 0.8, "gap": 0.0, "discovered": False, "by": more.pop("by", "sex"), **more.pop("details", {})}
    return Finding(check, check, model, variant, status, measure="roc_auc", value=value, details=details, **more)


def with_findings(root: Path, old: Sequence[Finding], new: Sequence[Finding], **changes: Any) -> Pair:
    """Return the comparison of two runs of one model with these findings."""
    folders = []
    for place, found in enumerate((old, new)):
        made = changes.get(f"made_{place}") or record(ONE)
        stored = {each.name: predictions(1.0, seed=place + 3) for each in made.models}
        folders.append(make_run(root, made, predictions=stored))
        write_findings(folders[-1], found)
    return compare(folders).pairs[0]


def test_tests_that_fail_now_come_first(tmp_path: Path) -> None:
    old = [finding("a", "fail", 0.1), finding("b", "pass", 0.2), finding("c", "pass", 0.3), finding("d", "warn", 0.4),
           finding("e", "pass", 0.5), finding("gone", "pass", 0.5)]  # fmt: skip
    new = [finding("a", "pass", 0.9), finding("b", "warn", 0.8), finding("c", "fail", 0.7), finding("d", "fail", 0.6),
           finding("e", "pass", 0.1), finding("come", "not_run", 0.5)]  # fmt: skip
    outcomes = with_findings(tmp_path, old, new).outcomes
    assert [(each.variant, each.old, each.new) for each in outcomes] == [
        ("c", "pass", "fail"),
        ("d", "warn", "fail"),
        ("b", "pass", "warn"),
        ("come", None, "not_run"),
        ("a", "fail", "pass"),
        ("gone", "pass", None),
    ]
    assert [each.worse for each in outcomes[:3]] == [True, True, False]
    assert (outcomes[0].old_value, outcomes[0].new_value) == (0.3, 0.7)


def test_variants_that_went_the_same_way_are_one_row(tmp_path: Path) -> None:
    def job(variant: str, status: Any) -> Finding:
        return finding(variant, status, 0.3, check="invariance")

    names = ["", "job = a", "job = b", "job = c"]
    pair = with_findings(
        tmp_path,
        [job(each, "pass") for each in names],
        [*(job(each, "fail") for each in names[:3]), job("job = c", "warn")],
    )
    assert len(pair.outcomes) == 4  # machines get them all
    table = outcomes(pair)
    assert [told_outcome(row) for row in table.rows] == ["invariance (and 2 more)", "invariance: job = c"]


def test_slices_that_were_found_are_others_in_every_run(tmp_path: Path) -> None:
    found = finding("age > 3 and sex = f", "warn", 0.4, details={"discovered": True})
    pair = with_findings(tmp_path, [finding("sex = f", "pass", 0.5)], [finding("sex = f", "pass", 0.6), found])
    assert pair.outcomes == ()
    (only,) = pair.slices
    assert only.variant == "sex = f"
    assert only.difference == pytest.approx(0.1)


def test_a_run_without_findings_says_nothing_of_tests(tmp_path: Path) -> None:
    pair = with_findings(tmp_path, [], [finding("sex = f", "fail", 0.5)])
    assert (pair.outcomes, pair.slices, pair.reversals) == ((), (), ())


def test_the_best_of_both_runs_are_laid_beside_each_other_under_other_names(tmp_path: Path) -> None:
    other = record((model("forest", 0.93),))
    pair = with_findings(
        tmp_path,
        [finding("sex = f", "pass", 0.5), finding("", "pass", 1, check="drift", model="")],
        [finding("sex = f", "fail", 0.4, model="forest"), finding("", "warn", 1, check="drift", model="")],
        made_1=other,
    )
    assert [(each.check, each.model, each.against) for each in pair.outcomes] == [
        ("slices", "forest", "xgboost"),
        ("drift", "", ""),
    ]
    assert [each.difference for each in pair.slices] == pytest.approx([-0.1])


@pytest.mark.parametrize(("gaps", "turned"), [((-0.05, -0.02), ("sex",)), ((-0.05, 0.02), ()), ((0.05, 0.02), ())])
def test_simpsons_paradox_between_runs_is_told(tmp_path: Path, gaps: tuple[float, float], turned: tuple[str]) -> None:
    """The new best is ahead over all rows (.93 against .90), and behind in every slice by sex."""
    old = [finding("sex = f", "pass", 0.9), finding("sex = m", "pass", 0.8)]
    new = [finding("sex = f", "pass", 0.9 + gaps[0]), finding("sex = m", "pass", 0.8 + gaps[1])]
    pair = with_findings(tmp_path, old, new, made_0=record((model("xgboost", 0.90),)))
    assert pair.reversals == turned


def test_other_numbers_of_trials_are_told_with_the_expected_best_of_the_smaller(tmp_path: Path) -> None:
    """Dodge et al. 2019: of .90, .80, .70 the expected best of one draw is their mean, .80."""
    few, many = (record((model("xgboost", 0.9, budget=BudgetRecord(None, used)),)) for used in (1, 3))
    trials = [replace(trial_of("xgboost", [score] * 5), trial=replace(trial_of("xgboost", []).trial, id=f"xgboost/{n}"))
              for n, score in enumerate((0.9, 0.8, 0.7))]  # fmt: skip
    old = make_run(tmp_path, few, predictions={"xgboost": predictions(1.0)}, trials=trials[:1])
    new = make_run(tmp_path, many, predictions={"xgboost": predictions(1.0)}, trials=trials)
    (found,) = compare([old, new]).pairs[0].budgets
    assert found.used == (1, 3)
    assert found.expected == pytest.approx((0.9, 0.8))
    assert compare([old, old]).pairs[0].budgets == ()
    assert compare([old, new], tests=False).pairs[0].budgets == (found,)


def test_all_of_it_is_shown_to_people_and_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLRUN_RUNS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    few = record((model("xgboost", 0.90, budget=BudgetRecord(None, 2)),))
    old = [finding("sex = f", "pass", 0.9), finding("sex = m", "pass", 0.8)]
    new = [finding("sex = f", "fail", 0.8), finding("sex = m", "pass", 0.7)]
    with_findings(tmp_path, old, new, made_0=few)
    assert run(["compare", "income@1", "income@2"]) == 0
    written = " ".join(capsys.readouterr().out.split())
    for part in (
        "tests that end otherwise in income@2",
        "slices: sex = f xgboost pass → fail",
        "slices of the best models in income@2",
        "Simpson's paradox: by sex",
        "† xgboost was searched with other numbers of trials: 2 in income@1 and 4 in income@2",
        "rows more)",
    ):
        assert part in written
    assert run(["compare", "income@1", "income@2", "--format", "json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["runs"]
    assert told["outcomes"][0]["new"] == "fail"
    assert told["slices"][0]["difference"] == pytest.approx(-0.1)
    assert told["reversals"] == ["sex"]
    assert told["budgets"][0]["used"] == [2, 4]
    assert told["differences"][0]["more_rows"] > 0
