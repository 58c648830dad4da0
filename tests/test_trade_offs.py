"""Trade-offs: prices beside scores, Pareto, and what errors cost at every threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from fitted_subjects import changed, context_of, dataset_of, found, halves
from hypothesis import given
from hypothesis import strategies as some
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from mlrun.check_contracts import Context, Subject
from mlrun.checks.trade_offs import ENTRY, interpretability
from mlrun.errors import DataError
from mlrun.latency import MANY, many_rows_latency, p95_ms
from mlrun.price.cost_curve import Costs, cost_at, cost_curve, held_out_risks, tuned
from mlrun.price.trades import Offer, dominators
from mlrun.records import Finding, Prediction

if TYPE_CHECKING:
    from mlrun.records import Array

MAMMOGRAPHY = Path(__file__).parents[2] / "shared" / "data" / "mammography" / "mammography.csv"


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    with threadpool_limits(1):
        yield


# -- Pareto ------------------------------------------------------------------------------------------------------------


def test_what_another_one_beats_in_everything_names_it() -> None:
    offers = [
        Offer("small", 0.90, 1.0, 10.0, 1000, 0.1),
        Offer("best", 0.95, 5.0, 90.0, 90_000, 9.0),
        Offer("worse", 0.93, 9.0, 95.0, 95_000, 20.0),
        Offer("worst", 0.89, 9.5, 99.0, 99_000, 30.0),
    ]
    assert dominators(offers) == {
        "small": (),
        "best": (),
        "worse": ("best",),
        "worst": ("small", "best", "worse"),
    }


def test_times_within_the_scatter_of_a_machine_are_the_same() -> None:
    nearly = [Offer("one", 0.9, 1.0, 10.0, 1000, 1.0), Offer("other", 0.9, 1.1, 9.5, 1000, 1.05)]
    assert dominators(nearly) == {"one": (), "other": ()}
    slower = [Offer("one", 0.9, 1.0, 10.0, 1000, 1.0), Offer("other", 0.9, 2.0, 10.0, 1000, 1.0)]
    assert dominators(slower) == {"one": (), "other": ("one",)}


def test_what_is_not_known_is_not_compared() -> None:
    offers = [Offer("unscored", None, 1, 1, 1, 1), Offer("bare", 0.9), Offer("whole", 0.8, 1, 1, 1, 1)]
    assert dominators(offers) == {"unscored": (), "bare": (), "whole": ()}
    sized = [Offer("sized", 0.9, None, None, 1), Offer("whole", 0.8, 1, 1, 1, 1)]
    assert dominators(sized) == {"sized": (), "whole": ("sized",)}


@given(some.lists(some.tuples(some.floats(0, 1), some.floats(0, 100), some.floats(0, 100)), min_size=1, max_size=8))
def test_no_two_dominate_each_other(rows: list[tuple[float, float, float]]) -> None:
    offers = [Offer(str(place), score, one, None, size) for place, (score, one, size) in enumerate(rows)]
    beaten = dominators(offers)
    for name, by in beaten.items():
        assert name not in by
        assert all(name not in beaten[other] for other in by)
    best = max(offers, key=lambda offer: offer.score or 0)
    assert all(next(o for o in offers if o.name == other).score == best.score for other in beaten[best.name])


# -- costs -------------------------------------------------------------------------------------------------------------


@given(
    some.lists(
        some.tuples(some.booleans(), some.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=1, max_size=40
    ),
    some.integers(1, 50),
    some.lists(some.floats(0, 1), min_size=1, max_size=5),
)
def test_a_cost_is_that_of_the_metric(rows: list[tuple[bool, float]], miss: int, thresholds: list[float]) -> None:
    positive, risks = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    for threshold, cost in zip(thresholds, cost_at(positive, risks, Costs(miss, 1), thresholds), strict=True):
        said = risks >= threshold
        by_hand = miss * np.count_nonzero(positive & ~said) + np.count_nonzero(~positive & said)
        assert cost == pytest.approx(1000 * by_hand / len(rows))


@given(some.lists(some.tuples(some.booleans(), some.integers(0, 5)), min_size=1, max_size=40), some.integers(1, 50))
def test_no_threshold_is_cheaper_than_the_tuned_one(rows: list[tuple[bool, int]], miss: int) -> None:
    positive, risks = np.array([row[0] for row in rows]), np.array([row[1] / 5 for row in rows])
    costs = Costs(miss, 1)
    least = min(cost_at(positive, risks, costs, [*risks.tolist(), math.inf, -math.inf]))
    assert cost_at(positive, risks, costs, [tuned(positive, risks, costs)])[0] == pytest.approx(least)


def test_rows_that_repeated_folds_hold_out_again_count_once() -> None:
    features = np.random.default_rng(0).normal(size=(300, 2))
    truth = (features[:, 0] + np.random.default_rng(1).normal(size=300) > 0).astype(np.int64)
    context = context_of(dataset_of(features, truth), *halves(300), {"one": LogisticRegression()})
    subject = context.subject("one")
    again = tuple((replace(fold, repeat=1), said, answered) for fold, said, answered in subject.folds)
    held_out = held_out_risks(replace(subject, folds=(*subject.folds, *again)), context)
    assert held_out is not None
    assert len(held_out[0]) == len(context.train)


def test_the_threshold_of_true_probabilities_is_elkans() -> None:
    draw = np.random.default_rng(0)
    risks = draw.random(200_000)
    positive, costs = draw.random(200_000) < risks, Costs(9, 1)
    assert costs.threshold == pytest.approx(0.1)
    assert tuned(positive, risks, costs) == pytest.approx(0.1, abs=0.02)


@cache
def mammography() -> tuple[Context, tuple[Finding, ...]]:
    """Return the forest and logistic regression of evaluation.md section 8, a miss 50 × a false alarm."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = pl.read_csv(MAMMOGRAPHY, has_header=False, quote_char="'")
    features, truth = table[:, :6].to_numpy(), (table[:, 6].cast(pl.Int64).to_numpy() == 1).astype(np.int64)
    train, test = train_test_split(np.arange(len(truth)), test_size=0.3, stratify=truth, random_state=0)
    dataset = dataset_of(features, truth)
    dataset = replace(dataset, task=replace(dataset.task, costs={"false_negative": 50, "false_positive": 1}))
    models = {
        "linear": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": RandomForestClassifier(150, random_state=0, n_jobs=2),
    }
    context = context_of(dataset, np.sort(train), np.sort(test), models, rank={"linear": 1, "forest": 4})
    return context, tuple(found(ENTRY, context))


@pytest.mark.skipif(not MAMMOGRAPHY.exists(), reason="the shared data is not here")
def test_mammography_costs_what_the_table_says() -> None:
    # evaluation.md, section 8: never 1162, always 977; the forest at 0.5 591, tuned 231, closed form 217 (their split)
    context, findings = mammography()
    forest = {finding.model: finding for finding in findings}["forest"].details
    truth = context.truth
    assert truth is not None
    assert forest["cost_never"] == pytest.approx(1000 * 50 * truth.mean(), abs=1e-9)
    assert forest["cost_always"] == pytest.approx(1000 * (1 - truth.mean()), abs=1e-9)
    assert forest["cost_never"] == pytest.approx(1162, abs=1)
    assert forest["cost_always"] == pytest.approx(977, abs=1)
    assert forest["threshold"] == pytest.approx(1 / 51)
    assert forest["threshold_from"] == "costs"
    assert forest["cost_at_half"] == pytest.approx(591, abs=120)
    assert forest["cost_closed_form"] == pytest.approx(217, abs=80)
    assert forest["cost_tuned"] == pytest.approx(231, abs=80)
    assert forest["cost"] < forest["cost_at_half"] / 1.5


@pytest.mark.skipif(not MAMMOGRAPHY.exists(), reason="the shared data is not here")
def test_the_curve_is_the_cost_metric_at_every_threshold() -> None:
    from mlrun import metrics

    context, findings = mammography()
    curve = {finding.model: finding for finding in findings}["linear"].details["curve"]
    said, truth = context.subject("linear").test, context.truth
    assert said is not None
    assert said.probabilities is not None
    assert truth is not None
    spec = metrics.specify("cost")
    for threshold, cost in curve[::13]:
        moved = Prediction((said.probabilities[:, 1] >= threshold).astype(np.int64), said.probabilities)
        assert metrics.score((spec,), truth, moved, context.dataset.task)["cost"] == pytest.approx(cost)
    assert [threshold for threshold, _ in curve] == sorted(threshold for threshold, _ in curve)


def risky(scale: float, **changes: Any) -> Context:
    """Return a logistic regression with costs, whose probabilities are right at scale 1."""
    draw = np.random.default_rng(0)
    features = draw.normal(size=(3000, 2))
    truth = (features[:, 0] + draw.logistic(0, 0.5, 3000) > 0.5).astype(np.int64)
    dataset = dataset_of(features, truth)
    dataset = replace(dataset, task=replace(dataset.task, costs={"false_negative": 5, "false_positive": 1}))
    train, test = halves(3000)
    context = context_of(dataset, train, test, {"m": LogisticRegression()}, **changes)

    def bent(prediction: Prediction | None) -> Prediction:
        assert prediction is not None
        assert prediction.probabilities is not None
        odds = np.log(prediction.probabilities[:, 1] / prediction.probabilities[:, 0]) * scale
        risk = 1 / (1 + np.exp(-odds))
        return Prediction((risk > 0.5).astype(np.int64), np.stack([1 - risk, risk], axis=1))

    subject = context.subjects[0]
    folds = tuple((fold, bent(said), answered) for fold, said, answered in subject.folds)
    return changed(context, subjects=(replace(subject, test=bent(subject.test), folds=folds),))


def test_the_closed_form_is_for_probabilities_that_are_calibrated() -> None:
    honest, loud = (cost_curve(context.subjects[0], context) for context in (risky(1.0), risky(6.0)))
    assert honest is not None
    assert loud is not None
    assert honest.source == "costs"
    assert honest.threshold == pytest.approx(1 / 6)
    assert loud.source == "tuned"
    assert loud.cost is not None
    assert loud.closed_form is not None
    assert loud.cost < loud.closed_form


def test_scores_without_probabilities_are_tuned() -> None:
    context = risky(1.0)
    subject = context.subjects[0]

    def scored(said: Prediction | None) -> Prediction:
        assert said is not None
        assert said.probabilities is not None
        return Prediction(said.values, None, 10 * said.probabilities[:, 1])

    folds = tuple((fold, scored(said), answered) for fold, said, answered in subject.folds)
    only_scores = replace(subject, test=scored(subject.test), folds=folds)
    curve = cost_curve(only_scores, context)
    assert curve is not None
    assert (curve.source, curve.at_half, curve.closed_form) == ("tuned", None, None)
    alone = cost_curve(replace(only_scores, folds=()), context)
    assert alone is not None
    assert (alone.source, alone.cost) == ("none", None)


def test_without_costs_or_labels_there_is_no_curve() -> None:
    context = risky(1.0)
    free = replace(context.dataset, task=replace(context.dataset.task, costs={}))
    assert cost_curve(context.subjects[0], changed(context, dataset=free)) is None
    unlabelled = changed(context, dataset=replace(context.dataset, truth=None))
    assert cost_curve(context.subjects[0], unlabelled) is None
    told = found(ENTRY, unlabelled)[0]
    assert told.value is None
    assert told.details["p95_ms_1000_rows"] > 0


# -- latency and the check ---------------------------------------------------------------------------------------------


def test_a_thousand_rows_are_asked_for_and_the_slowest_calls_are_told() -> None:
    sizes: list[int] = []
    table = pl.DataFrame({"x": range(7)})

    def predict(rows: pl.DataFrame) -> Array:
        sizes.append(rows.height)
        return np.zeros(rows.height)

    assert many_rows_latency(predict, table) > 0
    assert set(sizes) == {MANY}
    import time

    naps = iter([0.05, 0.001, 0.001, 0.001])  # the first call warms up
    assert p95_ms(lambda rows: time.sleep(next(naps)), [table] * 4) < 30


def test_baselines_cost_nothing_and_people_an_unknown_price() -> None:
    context = risky(1.0)
    model = context.subjects[0]
    truth = context.truth
    assert truth is not None
    rule = Subject("rule", "baseline", "rule", model.test)
    human = Subject("doctor", "baseline", "human", Prediction(truth.copy()))
    labels = changed(context, subjects=(model, rule, human), metrics=metrics_of("accuracy"))
    told = {finding.model: finding for finding in found(ENTRY, labels)}
    assert told["m"].details["dominated_by"] == ["rule"]  # the doctor is right more often, at a price nobody told
    assert told["rule"].details["interpretability"] == "high"
    assert told["doctor"].details["interpretability"] is None
    assert told["rule"].details["p95_ms_1_row"] == 0.0
    assert told["doctor"].details["p95_ms_1_row"] is None


def metrics_of(*names: str) -> Sequence[Any]:
    from mlrun import metrics

    return tuple(metrics.specify(name) for name in names)


def test_a_model_that_cannot_answer_keeps_its_score() -> None:
    def broken(table: pl.DataFrame) -> Prediction:
        raise DataError("it cannot predict these rows")

    context = risky(1.0)
    subjects = (replace(context.subjects[0], predict=broken), replace(context.subjects[0], name="other"))
    told = found(ENTRY, changed(context, subjects=subjects))
    assert [finding.value is not None for finding in told] == [True, True]
    assert told[0].details["p95_ms_1000_rows"] is None


def test_interpretability_is_an_order_that_families_state() -> None:
    ranks = [1, 2, 3, 4, 5, 7, None]
    words = [interpretability(Subject("m", "model", "m", None, rank=rank)) for rank in ranks]
    assert words == ["high", "high", "medium", "medium", "low", "low", None]
