"""Drift: what training looked like, in counts, against new rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fitted_subjects import changed, context_of, dataset_of, found, halves
from hypothesis import given
from hypothesis import strategies as some

from mlrun.check_contracts import Context
from mlrun.checks.drift import ENTRY
from mlrun.records import Column, Dataset, Finding, Prediction, Task
from mlrun.shift import drifts
from mlrun.shift.profile import column_profile, number_profile, profile

ELECTRICITY = Path(__file__).parents[2] / "shared" / "data" / "electricity" / "elec.csv"


def table(rows: int = 1000, seed: int = 0, **columns: Any) -> Dataset:
    """Return a dataset of a number, a category, a text and a yes or no, and what a test replaces."""
    draw = np.random.default_rng(seed)
    made = {
        "number": draw.normal(size=rows),
        "colour": draw.choice(["red", "green", "blue"], rows, p=[0.5, 0.3, 0.2]),
        "text": [" ".join(draw.choice(["good", "bad", "film", "story", "actor"], 6)) for _ in range(rows)],
        "flag": draw.random(rows) < 0.3,
        **columns,
    }
    frame = pl.DataFrame(made)
    kinds = {"number": "numeric", "colour": "category", "text": "text", "flag": "boolean"}
    features = tuple(Column(name, kinds[name], "") for name in kinds)  # type: ignore[arg-type]  # kinds, as words
    truth = (draw.random(frame.height) < 0.4).astype(np.int64)
    return Dataset(frame, Task("classification", ("no", "yes")), features, (), truth, np.arange(frame.height))


def drift_of(new: Dataset, old: Dataset | None = None, **changes: Any) -> dict[str, Finding]:
    """Return variant and model → finding, of new rows against a profile of the old ones."""
    before = table() if old is None else old
    known = json.loads(json.dumps(profile(before, np.arange(before.table.height))))  # as a run folder keeps it
    rows = np.arange(new.table.height)
    context = Context(new, rows, np.empty(0, dtype=np.int64), (), (), (), profile=known, **changes)
    findings = ENTRY.run(None, context, {"warn_at": 0.1, "fail_at": 0.25})  # type: ignore[arg-type]  # of the data
    return {finding.variant + finding.model: finding for finding in findings}


def test_rows_of_the_same_source_do_not_drift() -> None:
    for seed in range(1, 6):
        assert {finding.status for finding in drift_of(table(seed=seed)).values()} == {"pass"}


def test_a_null_is_seldom_rejected() -> None:
    pairs = [(table(400, seed=100 + seed), table(400, seed=200 + seed)) for seed in range(40)]
    p_values = [f.p_value for new, old in pairs for f in drift_of(new, old).values()]
    assert np.mean([p is not None and p < 0.05 for p in p_values]) < 0.07


def test_a_moved_number_fails_and_never_fails_the_run() -> None:
    moved = drift_of(table(seed=1, number=np.random.default_rng(5).normal(1.0, 1.0, 1000)))
    assert moved["number"].status == "fail"
    assert moved["number"].severity == "warn"
    assert moved["number"].value is not None
    assert moved["number"].value > 0.25
    assert moved["colour"].status == "pass"


def test_a_lost_column_shows_as_missing() -> None:
    numbers = pl.Series(np.random.default_rng(3).normal(size=1000)).to_frame("x")
    holes = numbers.select(pl.when(pl.int_range(1000) % 2 == 0).then("x"))["x"]
    moved = drift_of(table(seed=1, number=holes))["number"]
    assert moved.status == "fail"
    assert moved.details["missing"] == 0.5
    assert moved.details["missing_before"] == 0.0
    assert "50.0% missing" in moved.reason


def test_categories_that_training_never_had_are_told() -> None:
    moved = drift_of(table(seed=1, colour=["red"] * 600 + ["purple"] * 400))["colour"]
    assert moved.status == "fail"
    assert moved.details["unnamed"] == 0.4
    assert moved.details["unnamed_categories"] == 1


def test_words_that_training_never_had_are_told() -> None:
    moved = drift_of(table(seed=1, text=["good film with dragons and swords"] * 1000))["text"]
    assert moved.status == "fail"
    assert moved.details["unknown_words"] == pytest.approx(4 / 6)
    assert moved.details["unknown_words_before"] == 0.0


def test_the_target_drifts_where_there_are_labels() -> None:
    new = table(seed=1)
    assert new.truth is not None
    assert drift_of(Dataset(**{**fields(new), "truth": np.ones_like(new.truth)}))["target"].status == "fail"
    assert "target" not in drift_of(Dataset(**{**fields(new), "truth": None}))


def fields(dataset: Dataset) -> dict[str, Any]:
    return {name: getattr(dataset, name) for name in Dataset.__slots__}


def test_a_column_that_is_gone_and_rows_that_are_few_are_said() -> None:
    new = table(seed=1)
    gone = Dataset(**{**fields(new), "table": new.table.drop("flag")})
    assert drift_of(gone)["flag"].status == "not_run"
    few = drift_of(table(20, seed=1))
    assert [finding.status for finding in few.values()] == ["not_run"]


def test_the_runs_own_rows_do_not_drift_from_themselves() -> None:
    features = np.random.default_rng(0).normal(size=(200, 2))
    train, test = halves(200)
    from sklearn.linear_model import LogisticRegression

    context = context_of(
        dataset_of(features, (features[:, 0] > 0).astype(int)), train, test, {"m": LogisticRegression()}
    )
    assert [finding.status for finding in found(ENTRY, context)] == ["not_run"]
    assert ENTRY.automatic(context) == ()


def test_predictions_are_held_against_those_of_the_runs_test_rows() -> None:
    from sklearn.linear_model import LogisticRegression

    features = np.random.default_rng(0).normal(size=(900, 2))
    train, test = halves(900)
    dataset = dataset_of(features, (features[:, 0] > 0).astype(int))
    context = context_of(dataset, train, test, {"m": LogisticRegression()})
    before = context.subject("m").test
    assert before is not None
    assert before.probabilities is not None
    known = profile(dataset, train)
    same = changed(context, profile=known, earlier={"m": before})
    assert {f.model: f.status for f in found(ENTRY, same)}["m"] == "pass"
    turned = Prediction(1 - before.values, before.probabilities[:, ::-1] ** 3)
    moved = [f for f in found(ENTRY, changed(same, earlier={"m": turned})) if f.model == "m"]
    assert moved[0].status in {"warn", "fail"}
    labels_only = changed(same, earlier={"m": Prediction(np.zeros_like(before.values))})
    assert [f.status for f in found(ENTRY, labels_only) if f.model == "m"] == ["fail"]


def test_a_profile_holds_no_smallest_no_largest_and_no_rare_value() -> None:
    numbers = np.random.default_rng(0).normal(size=500)
    one = number_profile(numbers)
    assert min(one["edges"]) > np.sort(numbers)[5]
    assert max(one["edges"]) < np.sort(numbers)[-5]
    assert sum(one["counts"]) == 500
    names = pl.Series(["red"] * 100 + ["Ada Lovelace"] * 4 + ["Alan Turing"])
    assert column_profile(names, "category") == {"kind": "category", "counts": {"red": 100}, "other": 5, "missing": 0}
    texts = pl.Series(["good film"] * 10 + ["call Ada 0123"])
    assert column_profile(texts, "text")["words"] == ["film", "good"]
    assert number_profile(np.arange(10.0)) == {"edges": [], "counts": [10]}


def test_the_kolmogorov_distribution_is_scipys() -> None:
    from scipy.special import kolmogorov

    for x in np.linspace(0.05, 3, 60):
        assert drifts.kolmogorov_sf(float(x)) == pytest.approx(float(kolmogorov(x)), abs=1e-10)


def test_two_samples_are_tested_as_scipy_does() -> None:
    from scipy.stats import chi2_contingency, ks_2samp

    draw = np.random.default_rng(0)
    first, second = draw.normal(size=300), draw.normal(0.1, 1.1, size=500)
    statistic = ks_2samp(first, second).statistic
    assert drifts.ks(first, second) == pytest.approx(drifts.kolmogorov_sf(statistic * np.sqrt(300 * 500 / 800)))
    assert drifts.ks(first, second) == pytest.approx(ks_2samp(first, second, method="asymp").pvalue, abs=0.03)
    counts = [[20.0, 30.0, 50.0], [40.0, 20.0, 30.0]]
    assert drifts.chi2_p(counts) == pytest.approx(chi2_contingency(counts, correction=False).pvalue, rel=1e-10)


def test_the_index_is_its_formula() -> None:
    # 50/50 against 60/40: 0.1 ln 1.2 − 0.1 ln 0.8
    assert drifts.psi([50, 50], [60, 40]) == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8))


@given(
    some.lists(some.integers(0, 1000), min_size=1, max_size=12),
    some.lists(some.integers(0, 1000), min_size=12, max_size=12),
)
def test_the_index_is_never_negative_and_0_for_equal_counts(before: list[int], now: list[int]) -> None:
    assert drifts.psi(before, before) == 0
    assert drifts.psi(before, now[: len(before)]) >= -1e-12


@given(some.lists(some.floats(-1e6, 1e6), max_size=300))
def test_counts_between_edges_hold_every_number(numbers: list[float]) -> None:
    made = number_profile(np.array(numbers))
    assert sum(made["counts"]) == len(numbers)
    assert len(made["counts"]) == len(made["edges"]) + 1


@pytest.mark.skipif(not ELECTRICITY.exists(), reason="the shared data is not here")
def test_electricity_drifts_in_its_transfer_once_the_market_changed() -> None:
    # In the first half the transfer between the states is not recorded: a constant (Harries 1999, section 3)
    frame = pl.read_csv(ELECTRICITY)
    numeric = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    features = tuple(Column(name, "numeric", "Float64") for name in numeric)
    whole = Dataset(frame, Task("anomaly"), features, (), None, np.arange(frame.height))
    early, late = whole.table[: frame.height // 3], whole.table[-frame.height // 3 :]
    old = Dataset(**{**fields(whole), "table": early})
    new = Dataset(**{**fields(whole), "table": late})
    moved = drift_of(new, old)
    assert max(moved.values(), key=lambda finding: finding.value or 0).variant in {"transfer", "vicprice", "vicdemand"}
    assert any(finding.status == "fail" for finding in moved.values())
