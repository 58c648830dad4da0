"""Assumptions: the figures of evaluation.md section 10, and words that need statistic and effect alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from fitted_subjects import changed, context_of, dataset_of, defaults, halves
from sklearn import datasets
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from threadpoolctl import threadpool_limits

from mlrun.assumption import (
    boundaries,
    conditional_independence,
    iid_duplicates,
    iid_identical,
    iid_independent,
    linearity,
    normality,
    prediction,
    smoothness,
    tractability,
)
from mlrun.assumption.linear import held_out
from mlrun.assumption.sample import sample_of
from mlrun.check_contracts import Context, Refit, Subject
from mlrun.checks.assumptions import ENTRY, NAMES, OF_FAMILIES, automatic, fits, owners
from mlrun.records import Column, Dataset, Finding, Task

if TYPE_CHECKING:
    from mlrun.assumption.judgement import Judgement
    from mlrun.assumption.sample import Sample
    from mlrun.records import Array

WINE = Path(__file__).parents[2] / "shared" / "data" / "wine_quality" / "winequality-red.csv"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep the threads of small matrices from waiting for each other, as the check does."""
    with threadpool_limits(1):
        yield


def made(features: Array, truth: Array, **changes: Any) -> Context:
    """Return the context of a table of which every row is a training row but five."""
    rows = np.arange(len(truth))
    return Context(dataset_of(features, truth), rows[-5:], rows, (), (), (), **changes)


@cache
def sample(name: str) -> Sample:
    """Return a data set of scikit-learn's, or one that is made, as a sample of all its rows."""
    return sample_of(made(*TABLES[name]()))


def shipped(name: str) -> Callable[[], tuple[Array, Array]]:
    def load() -> tuple[Array, Array]:
        features, truth = getattr(datasets, f"load_{name}")(return_X_y=True)
        return features, truth.astype(float) if name == "diabetes" else truth.astype(np.int64)

    return load


def drawn(make: Callable[[np.random.Generator], tuple[Array, Array]]) -> Callable[[], tuple[Array, Array]]:
    return lambda: make(np.random.default_rng(0))


def noise(draw: np.random.Generator) -> tuple[Array, Array]:
    return draw.normal(size=(500, 5)), draw.integers(0, 2, 500)


def linear(draw: np.random.Generator) -> tuple[Array, Array]:
    features = draw.normal(size=(500, 5))
    return features, (features @ [2, -1, 1, 0, 0.5] + draw.logistic(size=500) > 0).astype(np.int64)


def quadratic(draw: np.random.Generator) -> tuple[Array, Array]:
    features = draw.normal(size=(500, 5))
    return features, features[:, 0] + 20 * features[:, 1] ** 2 + draw.normal(size=500)


def straight(draw: np.random.Generator) -> tuple[Array, Array]:
    features = draw.normal(size=(500, 5))
    return features, features @ [2, -1, 1, 0, 0.5] + draw.normal(size=500)


def independent(draw: np.random.Generator) -> tuple[Array, Array]:
    truth = draw.integers(0, 2, 2000)
    return draw.normal(size=(2000, 5)) + truth[:, None], truth


def crossed(draw: np.random.Generator) -> tuple[Array, Array]:
    features = draw.normal(size=(600, 3))
    return features, ((features[:, 0] > 0) ^ (features[:, 1] > 0)).astype(np.int64)


TABLES: Mapping[str, Callable[[], tuple[Array, Array]]] = {
    **{name: shipped(name) for name in ("iris", "wine", "breast_cancer", "digits", "diabetes")},
    **{each.__name__: drawn(each) for each in (noise, linear, quadratic, straight, independent, crossed)},
    "moons": lambda: datasets.make_moons(500, noise=0.3, random_state=0),
}


# -- the figures of evaluation.md, section 10; the word that they must get ---------------------------------------------


@pytest.mark.parametrize(
    ("assumption", "name", "value", "within", "word"),
    [
        (smoothness, "iris", 0.10, 0.02, "ok"),
        (smoothness, "digits", 0.05, 0.01, "ok"),
        (smoothness, "diabetes", 0.54, 0.02, "ok"),
        (smoothness, "noise", 0.99, 0.06, "violated"),
        (boundaries, "moons", 0.22, 0.08, "violated"),  # the noise of the published moons is not told
        (boundaries, "linear", -0.14, 0.14, "ok"),
        (linearity, "quadratic", 0.80, 0.1, "violated"),
        (linearity, "diabetes", -0.08, 0.04, "ok"),
        (conditional_independence, "iris", 0.49, 0.01, "violated"),
        (conditional_independence, "independent", 0.03, 0.02, "ok"),
        (normality, "iris", 0.08, 0.005, "ok"),
        (normality, "wine", 0.18, 0.005, "strained"),
        (normality, "breast_cancer", 0.70, 0.005, "violated"),
    ],
)
def test_the_published_figures_are_reached(assumption: Any, name: str, value: float, within: float, word: str) -> None:
    judged: Judgement = assumption.judge(sample(name))
    assert judged.value == pytest.approx(value, abs=within)
    assert judged.word == word


def test_a_p_value_is_of_the_assumption_so_one_that_holds_has_a_large_one() -> None:
    # curves make the linear data's log loss worse, and a forest the residuals of diabetes: nothing speaks against it
    for judged in (boundaries.judge(sample("linear")), linearity.judge(sample("diabetes"))):
        assert judged.word == "ok"
        assert judged.value is not None
        assert judged.p_value is not None
        assert judged.value < 0
        assert judged.p_value > 0.5


def over_seeds(measure: Callable[[Sample], float | None], name: str, seeds: int = 6) -> float:
    """Return the mean of a measure over folds and permutations that other seeds draw."""
    found = [measure(replace(sample(name), seed=seed)) for seed in range(seeds)]
    return float(np.mean([value for value in found if value is not None]))


def test_z_is_that_of_the_table_over_many_draws() -> None:
    # ten permutations know their spread to a quarter, so one draw says little
    assert over_seeds(lambda part: prediction.judge(part).value, "breast_cancer") == pytest.approx(13, abs=4)
    assert over_seeds(lambda part: prediction.judge(part).value, "noise") < 2
    assert [prediction.judge(replace(sample("noise"), seed=seed)).word for seed in range(6)].count("violated") >= 4


def test_naive_bayes_pays_for_dependence_as_the_table_says() -> None:
    # GaussianNB's log loss over LDA's: 1.0 on independent data, 2.9 iris, 3.3 wine, 5.1 breast_cancer
    def ratio(name: str) -> float:
        return over_seeds(lambda part: conditional_independence.loss_ratio(part.numeric, part), name)

    assert ratio("independent") == pytest.approx(1.0, abs=0.05)
    assert ratio("iris") == pytest.approx(2.9, abs=1.0)
    assert ratio("wine") == pytest.approx(3.3, abs=1.0)
    assert ratio("breast_cancer") == pytest.approx(5.1, abs=1.2)


def test_what_only_neighbours_see_is_predictable_all_the_same() -> None:
    judged = prediction.judge(sample("crossed"))
    assert judged.word == "ok"
    assert "nearest neighbours" in judged.told


def test_straight_lines_are_straight_and_their_residuals_normal() -> None:
    assert linearity.judge(sample("straight")).word == "ok"
    assert normality.judge(sample("straight")).word == "ok"
    assert normality.judge(sample("quadratic")).word != "ok"


def test_ridge_on_many_targets_is_scikit_learns_one_by_one() -> None:
    from sklearn.linear_model import Ridge

    made_sample = sample("diabetes")
    assert made_sample.truth is not None
    fold = made_sample.folds(5)
    said = held_out(made_sample.features, made_sample.truth[:, None], fold)[:, 0]
    for index in range(5):
        model = Ridge(alpha=1.0).fit(made_sample.features[fold != index], made_sample.truth[fold != index])
        assert said[fold == index] == pytest.approx(model.predict(made_sample.features[fold == index]), abs=1e-8)


def test_the_test_of_independence_is_bartletts() -> None:
    # −(n − 1 − (2d + 5)/6) log(1 − r²) is χ² with one degree of freedom; here d = 2, r = 0.5, n = 100
    from scipy.stats import chi2

    statistic = -(100 - 1 - 9 / 6) * np.log(0.75)
    matrix = np.array([[1, 0.5], [0.5, 1]])
    assert conditional_independence.independence_p([(matrix, 100)]) == pytest.approx(chi2.sf(statistic, 1), rel=1e-9)
    assert conditional_independence.total_correlation(matrix) == pytest.approx(-0.5 * np.log(0.75))


# -- training against test ---------------------------------------------------------------------------------------------


def test_a_forest_cannot_tell_a_random_split() -> None:
    features, truth = TABLES["breast_cancer"]()
    areas: list[float] = []
    words = []
    for seed in range(8):
        train, test = halves(len(truth), 0.4, seed)
        judged = iid_identical.judge(replace(made(features, truth), train=train, rows=test, seed=seed))
        areas.append(judged.value or 0.0)
        words.append(judged.word)
    assert np.mean(areas) == pytest.approx(0.5, abs=0.04)
    assert all(0.35 < area < 0.65 for area in areas)
    assert words.count("ok") >= 7


def test_a_forest_tells_a_sorted_split() -> None:
    features, truth = TABLES["iris"]()
    judged = iid_identical.judge(replace(made(features, truth), train=np.arange(100), rows=np.arange(100, 150)))
    assert judged.word == "violated"
    assert judged.value == pytest.approx(1.0, abs=0.01)


def test_groups_that_are_never_divided_are_no_difference() -> None:
    draw = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 10)
    features = draw.normal(size=(60, 4))[groups] + draw.normal(0, 0.01, size=(600, 4))
    dataset = replace(dataset_of(features, draw.integers(0, 2, 600)), groups=groups)
    train, test = np.flatnonzero(groups % 3 > 0), np.flatnonzero(groups % 3 == 0)
    whole = replace(made(features, draw.integers(0, 2, 600)), train=train, rows=test)
    assert iid_identical.judge(whole).word == "violated"  # it knows the groups by heart
    told = iid_identical.judge(replace(whole, dataset=dataset))
    assert told.value is not None
    assert told.value < 0.65


def test_rows_that_follow_each_other_count_for_less() -> None:
    draw, slow = np.random.default_rng(0), np.zeros(1000)
    for row in range(1, 1000):
        slow[row] = 0.6 * slow[row - 1] + draw.normal()
    features = draw.normal(size=(1000, 3))
    test = np.arange(900, 1000)
    lagged = context_of(dataset_of(features, features[:, 0] + slow), np.arange(900), test, {"m": LinearRegression()})
    judged = iid_independent.judge(lagged.subjects[0], lagged)
    assert judged.word == "violated"
    assert judged.value == pytest.approx(0.6, abs=0.08)
    assert "900 rows count like" in judged.told
    shuffled = draw.permutation(1000)
    mixed = dataset_of(features[shuffled], (features[:, 0] + slow)[shuffled])
    told = iid_independent.judge(*owner(context_of(mixed, np.arange(900), test, {"m": LinearRegression()})))
    assert told.word == "ok"


def owner(context: Context) -> tuple[Any, Context]:
    return context.subjects[0], context


def test_diabetes_has_independent_rows() -> None:
    features, truth = TABLES["diabetes"]()
    context = context_of(dataset_of(features, truth), np.arange(len(truth)), np.arange(5), {"m": LinearRegression()})
    judged = iid_independent.judge(*owner(context))
    assert judged.value == pytest.approx(-0.016, abs=0.03)
    assert judged.word == "ok"


def test_the_order_of_a_sorted_file_says_nothing() -> None:
    features, truth = TABLES["iris"]()
    models = {"m": LogisticRegression(max_iter=1000)}
    context = context_of(dataset_of(features, truth), np.arange(150), np.arange(5), models)
    assert iid_independent.judge(*owner(context)).word == "not applicable"


def test_copies_between_train_and_test_are_counted() -> None:
    features = np.random.default_rng(0).normal(size=(200, 3))
    features[150:160] = features[:10]
    whole = made(features, np.zeros(200, dtype=np.int64) + (np.arange(200) % 150 < 75))
    split = replace(whole, train=np.arange(150), rows=np.arange(150, 200))
    judged = iid_duplicates.judge(split)
    assert (judged.word, judged.value) == ("violated", 0.2)
    coarse = made(np.round(features), np.arange(200) % 2)
    assert (
        iid_duplicates.judge(replace(coarse, train=np.arange(150), rows=np.arange(150, 200))).word == "not applicable"
    )


@pytest.mark.skipif(not WINE.exists(), reason="the shared data is not here")
def test_the_red_wines_hold_many_copies() -> None:
    # 240 of its 1,599 rows are copies of an earlier one (a known property of the set)
    rows = pl.read_csv(WINE, has_header=False, infer_schema=False).cast(pl.Float64)
    assert rows.height - rows.unique().height == pytest.approx(240, abs=1)
    train, test = halves(rows.height)
    context = made(rows[:, :-1].to_numpy(), rows[:, -1].to_numpy())
    judged = iid_duplicates.judge(replace(context, train=train, rows=test))
    assert judged.word == "violated"


# -- tractability ------------------------------------------------------------------------------------------------------


def timed(power: float, seconds: float) -> Context:
    """Return a context whose model takes seconds · (share of the rows)^power."""
    features, truth = TABLES["noise"]()
    context = context_of(dataset_of(features, truth), np.arange(400), np.arange(400, 500), {"m": LogisticRegression()})

    def refit(parts: Any) -> list[Refit]:
        return [Refit((), seconds * (len(rows) / 400) ** power) for rows, _ in parts]

    return changed(context, subjects=(replace(context.subjects[0], refit=refit, fit_seconds=seconds),))


def test_steep_growth_matters_once_fits_are_long() -> None:
    steep = tractability.judge(*owner(timed(2.5, 60.0)))
    assert steep.word == "strained"
    assert steep.value == pytest.approx(2.5, abs=1e-6)
    assert tractability.judge(*owner(timed(2.5, 700.0))).word == "violated"
    assert tractability.judge(*owner(timed(1.0, 700.0))).word == "ok"
    assert tractability.judge(*owner(timed(2.0, 0.01))).word == "not applicable"


# -- the check ---------------------------------------------------------------------------------------------------------


def committee(features: Array, truth: Array, families: Mapping[str, tuple[str, ...]]) -> Context:
    train, test = halves(len(truth))
    model = LinearRegression() if truth.dtype.kind == "f" else GaussianNB()
    models = dict.fromkeys(families, model)
    return context_of(dataset_of(features, truth), train, test, models, assumptions=dict(families))


def run(context: Context, **params: Any) -> list[Finding]:
    return list(ENTRY.run(context.subjects[0], context, defaults(ENTRY, **params)))


def test_a_violation_is_a_warning_joined_to_its_consequence() -> None:
    features, truth = TABLES["breast_cancer"]()
    context = committee(
        features, truth, {"gaussian_nb": ("prediction", "iid", "normality", "conditional_independence")}
    )
    findings = {finding.variant: finding for finding in run(context)}
    assert {finding.status for finding in findings.values()} <= {"pass", "warn", "not_run"}
    broken = findings["normality"]
    assert (broken.status, broken.severity, broken.model) == ("warn", "warn", "gaussian_nb")
    assert broken.details["word"] == "violated"
    assert "calibrate" in broken.details["consequence"]
    assert broken.details["consequence"] in broken.reason
    assert findings["prediction"].model == ""
    assert "boundaries" not in findings


def test_each_family_is_asked_about_its_own_assumptions_once() -> None:
    features, truth = TABLES["moons"]()
    families = {"one": ("boundaries",), "two": ("smoothness",), "three": ("boundaries",)}
    context = committee(features, truth, families)
    same = changed(context, subjects=tuple(replace(subject, family="lda") for subject in context.subjects))
    asked = [(finding.variant, finding.model) for finding in run(same, only=("boundaries", "smoothness"))]
    assert asked == [("boundaries", "one"), ("smoothness", "two")]
    apart = [(finding.variant, finding.model) for finding in run(context, only=("boundaries",))]
    assert apart == [("boundaries", "one"), ("boundaries", "three")]


def test_a_regression_has_no_boundaries_and_classes_no_linearity() -> None:
    both = {"linear_svm": ("boundaries", "linearity")}
    numbers, classes = committee(*TABLES["diabetes"](), both), committee(*TABLES["moons"](), both)
    assert [finding.variant for finding in run(numbers, only=("boundaries", "linearity"))] == ["linearity"]
    assert [finding.variant for finding in run(classes, only=("boundaries", "linearity"))] == ["boundaries"]


def test_what_is_found_does_not_change_from_run_to_run() -> None:
    context = committee(*TABLES["wine"](), {"gaussian_nb": tuple(OF_FAMILIES[:-1])})
    assert run(context) == run(context)


def test_auto_asks_from_cheap_to_dear_and_only_for_what_is_there() -> None:
    context = committee(*TABLES["moons"](), {"lda": ("prediction", "iid", "boundaries", "normality")})
    asked = [dict(params) for params in automatic(context)]
    assert [name for params in asked for name in params["only"]] == [
        "iid_independent",
        "iid_duplicates",
        "normality",
        "prediction",
        "iid_identical",
        "boundaries",
    ]
    costs = [fits(context, {**defaults(ENTRY), **params}) for params in asked]
    assert costs == sorted(costs)
    assert sum(costs) < 8
    assert automatic(changed(context, train=np.empty(0, dtype=np.int64))) == ({},)  # on new rows: once, why not
    assert [f.status for f in run(changed(context, train=np.empty(0, dtype=np.int64)))] == ["not_run"]


def test_every_name_has_a_file_with_its_consequences() -> None:
    for name in NAMES:
        module = import_module(f"mlrun.assumption.{name}")
        assert module.CONSEQUENCES[""]
        assert callable(module.judge)


def test_the_families_of_the_house_make_assumptions_that_are_judged() -> None:
    from mlrun import catalog

    known = {*NAMES, "iid"}
    for name in catalog.names("models"):
        assert set(catalog.find("models", name).assumptions) <= known, name


def mixed(rows: int = 400, **changes: Any) -> Context:
    """Return a table of a category, a text with gaps, a flag and a number, no labels unless a test gives some."""
    draw = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "colour": draw.choice(["red", "green", "blue"], rows),
            "said": [
                None if row % 50 == 0 else " ".join(draw.choice(["good", "bad", "film"], 5)) for row in range(rows)
            ],
            "flag": draw.random(rows) < 0.3,
            "size": pl.Series(draw.normal(size=rows)).replace({0: None}),
        }
    )
    kinds = {"colour": "category", "said": "text", "flag": "boolean", "size": "numeric"}
    columns = tuple(Column(name, kinds[name], "", 0, table[name].n_unique()) for name in kinds)  # type: ignore[arg-type]  # kinds, as words
    dataset = Dataset(table, Task("anomaly"), columns, (), None, np.arange(rows))
    return Context(replace(dataset, **changes), np.arange(300, rows), np.arange(300), (), (), ())


def test_tables_of_all_kinds_can_be_judged() -> None:
    truth = np.random.default_rng(1).integers(0, 3, 400)
    labelled = mixed(truth=truth, task=Task("classification", ("a", "b", "c")))
    told = sample_of(labelled)
    assert told.numbers == 1
    assert np.isfinite(told.features).all()
    for module in (prediction, smoothness, normality, conditional_independence, boundaries):
        assert module.judge(told).word in {"ok", "strained", "violated", "not applicable"}
    assert iid_identical.judge(labelled).word == "ok"
    assert iid_duplicates.judge(labelled).word == "ok"


def test_without_labels_what_needs_them_is_not_applicable() -> None:
    context = mixed()
    told = sample_of(context)
    for module in (prediction, smoothness, normality, conditional_independence, boundaries):
        assert module.judge(told).word == "not applicable"
    assert iid_identical.judge(context).word == "ok"
    assert owners("boundaries", context) == {}


def odd_tables() -> Mapping[str, pl.DataFrame]:
    """Return tables at which a matrix, a test or a tree could stumble."""
    draw, rows = np.random.default_rng(0), 120
    return {
        "a flag": pl.DataFrame({"flag": draw.random(rows) < 0.5}),
        "a constant": pl.DataFrame({"one": np.ones(rows)}),
        "nothing but gaps": pl.DataFrame(
            {"gap": pl.Series([None] * rows, dtype=pl.Float64), "b": draw.normal(size=rows)}
        ),
        "copies": pl.DataFrame({"a": np.arange(rows) * 1.0, "b": np.arange(rows) * 2.0, "c": draw.normal(size=rows)}),
        "names": pl.DataFrame({"a": ["x", None, "y"] * (rows // 3), "b": [f"id{row}" for row in range(rows)]}),
        "huge": pl.DataFrame({"a": draw.normal(size=rows) * 1e200, "b": draw.normal(size=rows) * 1e-200}),
    }


@pytest.mark.parametrize("name", odd_tables())
@pytest.mark.parametrize("target", ["two", "rare", "number", "constant", "one", "none"])
def test_odd_tables_and_targets_are_judged_or_said(name: str, target: str) -> None:
    table, draw = odd_tables()[name], np.random.default_rng(1)
    truths: Mapping[str, tuple[Any, Task]] = {
        "two": (draw.integers(0, 2, 120), Task("classification", ("n", "y"))),
        "rare": (np.repeat([0, 1, 2], [60, 59, 1]), Task("classification", ("a", "b", "c"))),
        "number": (draw.normal(size=120), Task("regression")),
        "constant": (np.zeros(120), Task("regression")),
        "one": (np.zeros(120, dtype=np.int64), Task("classification", ("n", "y"))),
        "none": (None, Task("anomaly")),
    }
    truth, task = truths[target]
    kinds: Mapping[Any, Any] = {pl.Boolean: "boolean", pl.String: "category", pl.Float64: "numeric"}
    columns = tuple(
        Column(each.name, kinds[each.dtype], "", each.null_count(), each.n_unique()) for each in table.get_columns()
    )
    dataset = Dataset(table, task, columns, (), truth, np.arange(120))
    subject = Subject("m", "model", "m", None, assumptions=OF_FAMILIES)
    for train in (90, 6):
        context = Context(dataset, np.arange(90, 120), np.arange(train), (), (), (subject,))
        for finding in ENTRY.run(subject, context, defaults(ENTRY)):
            assert finding.status in {"pass", "warn", "not_run"}, finding.reason
            assert finding.value is None or np.isfinite(finding.value)


def test_numbers_beyond_single_precision_are_judged_as_their_hundredths_are() -> None:
    draw = np.random.default_rng(0)
    features, truth = draw.normal(size=(200, 2)), draw.normal(size=200)
    sides: dict[str, Any] = {"train": np.arange(100), "rows": np.arange(100, 200)}
    large, small = (iid_identical.judge(replace(made(features, truth * size), **sides)) for size in (1e150, 1e29))
    assert large.value == small.value


def test_targets_of_any_size_are_judged_alike() -> None:
    features, truth = TABLES["quadratic"]()
    for judge in (linearity.judge, smoothness.judge, prediction.judge):
        whole = judge(sample_of(made(features, truth)))
        for size in (2.0**-600, 2.0**-40, 2.0**300):  # times a power of 2 no digit is lost
            assert judge(sample_of(made(features, truth * size))) == whole
