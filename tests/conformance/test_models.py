"""Every model family of the shelf keeps the contract, found through the catalog: a new file is tested with no edit."""

from __future__ import annotations

import inspect
import itertools
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.utils._param_validation import make_constraint
from threadpoolctl import threadpool_limits

from mlrun import catalog
from mlrun.contracts import Estimator, ModelFamily
from mlrun.kinds import Kind
from mlrun.pipelines import says_likeliest
from mlrun.plan import share_fits
from mlrun.records import Params, TaskKind, Trial
from mlrun.search_contracts import Choice

if TYPE_CHECKING:
    from mlrun.records import Array

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = catalog.names("models")
ROWS = 80
SETTINGS: Mapping[TaskKind, tuple[str, ...]] = {
    "classification": ("binary", "multiclass"),
    "regression": ("regression",),
    "anomaly": ("anomaly",),
}
TASK_OF = {setting: task for task, settings in SETTINGS.items() for setting in settings}
ASSUMPTIONS = {  # evaluation.md, section 10
    "prediction",
    "iid",
    "smoothness",
    "tractability",
    "boundaries",
    "linearity",
    "conditional_independence",
    "normality",
}
# What no family offers, and why.
LEFT_OUT = {
    "n_jobs": "inner threads are one, always",
    "nthread": "inner threads are one, always",
    "verbose": "says, does not change",
    "verbosity": "says, does not change",
    "verbose_interval": "says, does not change",
    "warm_start": "a fit begins from nothing",
    "copy_X": "how, not what",
    "flatten_transform": "shape of a method that is not called",
    "validate_parameters": "params are validated before",
    "importance_type": "of an attribute that is not read",
    "passthrough": "members take tables, which do not stand beside predictions",
    "store_covariance": "of an attribute that is not read",
    "estimator": "is `base`",
    "estimators": "is `members`",
    "members": "is `members`",
    "final_estimator": "is `meta`",
    "n_components": "LDA's transform is not used",
    "covariance_estimator": "an object",
    "metric_params": "an object",
    "kernel": "is the family",
    "degree": "of another kernel",
    "coef0": "of another kernel",
    "algorithm": "adaboost's is deprecated",
    "multi_class": "logistic regression's is deprecated",
    "probability": "deprecated; calibrate",
    "penalty": "deprecated; l1_ratio and C",
    "criterion": "gradient boosting's is deprecated",
    "decision_function_shape": "would change the shape of scores",
    "monotonic_cst": "by column position, which a spec cannot know",
    "monotone_constraints": "by column position",
    "interaction_constraints": "by column position",
    "feature_types": "from the prepared columns",
    "feature_weights": "by column position",
    "categorical_features": "from the prepared columns",
    "enable_categorical": "from the prepared columns",
    "category_positions": "from the prepared columns",
    "scoring": "early stopping is by the loss; a scorer cannot be stored",
    "contamination": "belongs to the spec: anomaly.contamination",
    "novelty": "always: new rows are scored",
    "weights_init": "by column position",
    "means_init": "by column position",
    "precisions_init": "by column position",
    "missing": "always NaN",
    "device": "results depend on it",
    "sampling_method": "of a device",
    "multi_strategy": "one target",
    "eval_metric": "metrics are the spec's",
    "callbacks": "functions",
    "scale_pos_weight": "of two classes",
    "objective": "of classification: the library's own choice",
    "loss": "the autoencoder's is the squared error",
    "random_state": "has no effect on it",
}
# Names that the oldest supported scikit-learn does not know.
NEWER = {("linear_regression", "tol"), ("mlp", "loss")}
# Names that only the class knows which `build` takes where the params ask for it.
OF_ANOTHER_CLASS = {("xgboost", "validation_fraction")}
# Defaults that are not admitted.
NOT_ADMITTED = {
    "random_state": "no seed at all would be another model each time",
    "l1_ratio": "null, before scikit-learn 1.8, meant that another parameter decides",
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def cases(*, members: bool = True) -> list[Any]:
    """Return a case for each family, and each of the settings of its tasks."""
    return [
        pytest.param(name, setting, id=f"{name}-{setting}")
        for name in NAMES
        for task in family(name).tasks
        for setting in SETTINGS[task]
        if members or family(name).members != "many"
    ]


def family(name: str) -> ModelFamily:
    entry = catalog.find("models", name)
    assert isinstance(entry, ModelFamily)
    return entry


@cache
def rows(*, positive: bool = False, seed: int = 0) -> Array:
    """Return (80, 5) read-only rows; the last column is 0, 1 or 2."""
    drawn = np.random.default_rng(seed).normal(size=(ROWS, 5))
    drawn[:, 4] = np.arange(ROWS) % 3
    drawn = np.abs(drawn) if positive else drawn
    drawn.flags.writeable = False
    return drawn


@cache
def truth(setting: str) -> Array:
    signal = rows()[:, 0] + rows()[:, 1] ** 2 + 0.3 * np.random.default_rng(1).normal(size=ROWS)
    ranks = signal.argsort().argsort()
    choices: dict[str, Array] = {
        "binary": ranks // (ROWS // 2),
        "multiclass": ranks * 3 // ROWS,
        "regression": signal,
    }
    values = choices[setting].astype(np.float64 if setting == "regression" else np.int64)
    values.flags.writeable = False
    return values


def data(name: str) -> Array:
    return rows(positive="non_negative" in family(name).needs)


def build(name: str, setting: str, params: Params, seed: int = 7) -> Estimator:
    task = TASK_OF[setting]
    members: tuple[tuple[str, Estimator], ...] = ()
    if family(name).members == "many":
        voters = ("linear_regression", "decision_tree") if task == "regression" else ("gaussian_nb", "decision_tree")
        members = tuple((voter, family(voter).build({}, seed, (), task)) for voter in (*voters, "k_nearest_neighbors"))
    return family(name).build(params, seed, members, task)


def fit(estimator: Estimator, setting: str, matrix: Any, **weighted: Array) -> Estimator:
    return (
        estimator.fit(matrix, **weighted) if setting == "anomaly" else estimator.fit(matrix, truth(setting), **weighted)
    )


def answers(name: str, estimator: Estimator, matrix: Any) -> dict[str, Array]:
    """Return all that a fitted estimator says of rows."""
    score = family(name).anomaly_score
    if score is not None:
        return {"anomaly_score": score(estimator, matrix)}
    methods = ("predict", "predict_proba", "decision_function")
    return {method: getattr(estimator, method)(matrix) for method in methods if hasattr(estimator, method)}


def assert_same(first: Mapping[str, Array], second: Mapping[str, Array]) -> None:
    assert first.keys() == second.keys()
    for method in first:
        assert_array_equal(first[method], second[method], err_msg=method)


def quick(name: str) -> dict[str, Any]:
    """Return params that keep an ensemble small and a descent short."""
    sizes = {"n_estimators": 8, "max_iter": 20}
    return {size: sizes[size] for size in sizes if size in (family(name).hyperparameters or {})}


@cache
def fitted(name: str, setting: str) -> Estimator:
    """Return the family's estimator with the library's defaults, fitted."""
    return fit(build(name, setting, {}), setting, data(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_family_says_what_it_assumes_and_what_to_try_first(name: str) -> None:
    entry = family(name)
    assert entry.tasks
    assert 1 <= entry.simplicity_rank <= 7
    assert set(entry.assumptions) <= ASSUMPTIONS
    assert {"prediction", "iid"} <= set(entry.assumptions)
    assert len(entry.assumptions) == len(set(entry.assumptions))
    points = len(grid_points(entry))
    assert points == 1 if entry.members == "many" else 1 <= points <= 12
    assert (entry.anomaly_score is not None) == ("anomaly" in entry.tasks)
    assert (entry.with_categories is not None) == ("categories" in entry.takes)


def grid_points(entry: ModelFamily) -> list[dict[str, Any]]:
    return [dict(zip(entry.grid, values, strict=True)) for values in itertools.product(*entry.grid.values())]


@pytest.mark.parametrize(("name", "setting"), cases())
def test_every_point_of_the_default_grid_is_admitted_and_fits(name: str, setting: str) -> None:
    entry = family(name)
    kinds = entry.kinds(TASK_OF[setting])
    assert kinds is not None
    for point in grid_points(entry):
        assert all(kinds[parameter].admits(value) for parameter, value in point.items())
        assert entry.check(point) is None
        small = {**point, **dict.fromkeys(quick(name), 3)}
        if setting != "multiclass":  # its fits are the binary ones again
            answers(name, fit(build(name, setting, small), setting, data(name)), data(name))


@pytest.mark.parametrize(("name", "setting"), cases())
def test_the_ends_of_the_ranges_are_admitted(name: str, setting: str) -> None:
    entry = family(name)
    kinds = entry.kinds(TASK_OF[setting])
    assert kinds is not None
    for parameter, domain in entry.ranges.items():
        values = domain.values if isinstance(domain, Choice) else (domain.low, domain.high)
        assert all(kinds[parameter].admits(value) for value in values), parameter


@pytest.mark.parametrize(("name", "setting"), cases())
def test_predictions_have_the_shapes_that_the_family_gives(name: str, setting: str) -> None:
    said = answers(name, fitted(name, setting), data(name))
    if setting in ("anomaly", "regression"):
        only = said["anomaly_score" if setting == "anomaly" else "predict"]
        assert only.shape == (ROWS,)
        assert np.isfinite(only).all()
        return
    classes = 2 if setting == "binary" else 3
    assert set(said["predict"].tolist()) <= set(range(classes))
    gives = family(name).gives_by({}) if family(name).gives_by else family(name).gives  # type: ignore[misc]
    assert ("predict_proba" in said) == (gives == "probabilities")
    if gives == "probabilities":
        assert said["predict_proba"].shape == (ROWS, classes)
        assert np.allclose(said["predict_proba"].sum(axis=1), 1, atol=1e-6)
    if says_likeliest(family(name), fitted(name, setting)):
        assert_array_equal(said["predict"], said["predict_proba"].argmax(axis=1))
    if gives == "scores":
        assert said["decision_function"].shape == ((ROWS,) if setting == "binary" else (ROWS, 3))
        winners = said["decision_function"] > 0 if setting == "binary" else said["decision_function"].argmax(axis=1)
        assert_array_equal(winners, said["predict"])


@pytest.mark.parametrize(("name", "setting"), cases())
def test_one_seed_gives_one_model(name: str, setting: str) -> None:
    for seed in (0, 2**32 - 1):
        first, second = (fit(build(name, setting, quick(name), seed), setting, data(name)) for _ in range(2))
        assert_same(answers(name, first, data(name)), answers(name, second, data(name)))


@pytest.mark.parametrize(("name", "setting"), cases(members=False))
def test_a_random_state_among_the_params_overrules_the_seed(name: str, setting: str) -> None:
    kinds = family(name).kinds(TASK_OF[setting]) or {}
    if "random_state" in kinds:
        assert build(name, setting, {"random_state": 3}, seed=5).get_params()["random_state"] == 3
        assert build(name, setting, {}, seed=5).get_params()["random_state"] == 5


@pytest.mark.parametrize(("name", "setting"), cases())
def test_inner_threads_are_one(name: str, setting: str) -> None:
    params = build(name, setting, {}).get_params(deep=False)
    assert params.get("n_jobs") in (1, None)  # None: scikit-learn's logistic regression, where it has no effect


@pytest.mark.parametrize(("name", "setting"), cases())
def test_weights_are_taken_exactly_where_the_family_says_so(name: str, setting: str) -> None:
    weights = np.random.default_rng(2).uniform(0.5, 2.0, size=ROWS)
    weights.flags.writeable = False
    estimator = build(name, setting, quick(name))
    if family(name).members == "many":  # as far as its members do
        return
    assert ("sample_weight" in inspect.signature(estimator.fit).parameters) == family(name).weights
    if family(name).weights:
        fit(estimator, setting, data(name), sample_weight=weights)


@pytest.mark.parametrize(("name", "setting"), cases(members=False))
def test_missing_values_are_taken_where_the_family_says_so(name: str, setting: str) -> None:
    if "missing" not in family(name).takes:
        return
    matrix = data(name).copy()
    matrix[::7, 0] = np.nan
    said = answers(name, fit(build(name, setting, quick(name)), setting, matrix), matrix)
    assert all(np.isfinite(values).all() for values in said.values())


@pytest.mark.parametrize(("name", "setting"), cases(members=False))
def test_sparse_rows_are_taken_unless_the_family_needs_dense_ones(name: str, setting: str) -> None:
    matrix = sparse.csr_matrix(data(name))
    estimator = build(name, setting, quick(name))
    if "dense" in family(name).needs:
        with pytest.raises((TypeError, ValueError)):
            fit(estimator, setting, matrix)
        return
    answers(name, fit(estimator, setting, matrix), matrix)


@pytest.mark.parametrize("name", [name for name in NAMES if "non_negative" in family(name).needs])
def test_a_family_that_needs_non_negative_rows_refuses_others(name: str) -> None:
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        fit(build(name, "binary", {}), "binary", rows())


@pytest.mark.parametrize(("name", "setting"), cases())
def test_memory_mapped_rows_give_the_same_model(name: str, setting: str, tmp_path: Any) -> None:
    np.save(tmp_path / "rows.npy", data(name))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    here, there = (fit(build(name, setting, quick(name)), setting, matrix) for matrix in (data(name), mapped))
    assert_same(answers(name, here, data(name)), answers(name, there, mapped))


@pytest.mark.parametrize(("name", "setting"), cases())
def test_a_stored_model_predicts_the_same_and_holds_no_function(name: str, setting: str) -> None:
    estimator = fit(build(name, setting, quick(name)), setting, data(name))
    stored = skops.io.dumps(estimator)
    unknown = skops.io.get_untrusted_types(data=stored)
    assert not [found for found in unknown if "function" in found or "partial" in found or "method" in found]
    loaded = skops.io.loads(stored, trusted=unknown)
    assert_same(answers(name, loaded, data(name)), answers(name, estimator, data(name)))


@pytest.mark.parametrize(("name", "setting"), cases())
def test_losses_are_told_round_by_round(name: str, setting: str) -> None:
    curves = family(name).curves
    for losses in curves(fitted(name, setting)).values() if curves else ():
        assert len(losses) >= 2
        assert all(type(loss) is float and np.isfinite(loss) for loss in losses)


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("name", "setting"), [case for case in cases() if family(str(case.values[0])).nested is not None]
)
def test_one_fit_answers_for_many_exactly_as_separate_fits(name: str, setting: str, seed: int, weighted: bool) -> None:
    nested, curves = family(name).nested, family(name).curves
    assert nested is not None
    if weighted and not family(name).weights:
        return
    matrix = data(name).copy()
    if "missing" in family(name).takes:
        matrix[::7, 0] = np.nan
    weights = {"sample_weight": np.random.default_rng(2).uniform(0.5, 2.0, size=ROWS)} if weighted else {}
    for trials in shared_trials(name, setting):
        shared = fit(build(name, setting, nested.widest(trials), seed), setting, matrix, **weights)
        before = answers(name, shared, matrix)
        for trial in trials:
            narrow = nested.restrict(shared, trial)
            separate = fit(build(name, setting, trial, seed), setting, matrix, **weights)
            assert isinstance(narrow, type(separate))
            assert narrow.get_params() == separate.get_params() or "missing" in narrow.get_params()  # NaN is not NaN
            assert_same(answers(name, narrow, matrix), answers(name, separate, matrix))
            assert curves is None or curves(narrow) == curves(separate)
            stored = skops.io.dumps(narrow)
            loaded = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
            assert_same(answers(name, loaded, matrix), answers(name, separate, matrix))
        assert_same(answers(name, shared, matrix), before)


def shared_trials(name: str, setting: str) -> list[list[Params]]:
    """Return params that differ in a family's nested parameters, all values with all, by the fit that they share."""
    nested, kinds = family(name).nested, family(name).kinds(TASK_OF[setting])
    assert nested is not None
    assert kinds is not None
    choices = [
        [value for value in (5, 12, 2, 8, 1, 0.0, 0.01, "uniform", "distance", None) if fits(kinds[parameter], value)]
        for parameter in nested.parameters
    ]
    assert all(len(values) >= 2 for values in choices)
    every = [dict(zip(nested.parameters, values, strict=True)) for values in itertools.product(*choices)]
    trials = [Trial(f"{name}/{number:04d}", name, name, params) for number, params in enumerate(every)]
    groups = [[trial.params for trial in group] for group in share_fits(family(name), trials)]
    assert len(groups) <= 2
    return groups


def fits(kind: Kind, value: object) -> bool:
    """Say whether a value is one to try: a number stands for a size where sizes are whole."""
    whole = kind.admits(5) and not kind.admits(0.01)
    return kind.admits(value) and (whole or value is None or not isinstance(value, int))


def declared() -> Iterator[tuple[str, TaskKind, type]]:
    for name in NAMES:
        for task in family(name).tasks:
            yield name, task, type(build(name, SETTINGS[task][0], {}))


@pytest.mark.parametrize(("name", "task", "library"), list(declared()))
def test_hyperparameters_are_those_of_the_library(name: str, task: TaskKind, library: Any) -> None:
    defaults = library().get_params() if family(name).members != "many" else signature_defaults(library)
    kinds = family(name).kinds(task)
    assert kinds is not None
    for parameter, kind in kinds.items():
        if parameter not in defaults:
            assert (name, parameter) in NEWER | OF_ANOTHER_CLASS, f"{library.__name__} has no {parameter}"
            continue
        if not (defaults[parameter] is None and parameter in NOT_ADMITTED):
            assert kind.admits(defaults[parameter]), f"{parameter}: {kind} does not admit {defaults[parameter]!r}"
    assert set(defaults) - set(kinds) <= set(LEFT_OUT)


def signature_defaults(library: Any) -> dict[str, object]:
    return {parameter.name: parameter.default for parameter in inspect.signature(library).parameters.values()}


@pytest.mark.parametrize(("name", "task", "library"), list(declared()))
def test_what_a_kind_admits_the_library_takes(name: str, task: TaskKind, library: Any) -> None:
    constraints = getattr(library, "_parameter_constraints", {})
    replaced = {"max_samples"} if name == "bagging" else set()  # `build` leaves its null out
    numbers = (-1, 0, 1, 2, 3, 7, 300, -0.5, 0.0, 0.25, 0.5, 1.0, 1.5, 20.0, True, False, None)
    for parameter, kind in (family(name).kinds(task) or {}).items():
        words = [word for part in getattr(kind, "kinds", (kind,)) for word in getattr(part, "values", ())]
        for value in (*numbers, *words, {0: 1.0, 1: 2.0}, [0.5, 0.5], (3, 2)):
            if kind.admits(value) and parameter in set(constraints) - replaced:
                accepts = [make_constraint(constraint) for constraint in constraints[parameter]]
                assert any(accept.is_satisfied_by(value) for accept in accepts), (parameter, value)


def test_the_shelf_is_read_without_importing_a_library() -> None:
    code = (
        "import sys; from mlrun import catalog; [catalog.find('models', name) for name in catalog.names('models')];"
        "heavy = {'numpy', 'scipy', 'sklearn', 'xgboost', 'joblib', 'polars', 'pandas', 'skops'} & set(sys.modules);"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
