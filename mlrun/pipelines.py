"""A whole model: preparation and estimator as one; takes a table, so it can be a member of an ensemble or be stored."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if

from mlrun import catalog
from mlrun.contracts import ModelFamily
from mlrun.prepare import Preparation, learn
from mlrun.process.jobs import InvalidOutput
from mlrun.recipes import Recipe
from mlrun.records import Params, Prediction, Task

if TYPE_CHECKING:
    import polars as pl

    from mlrun.encoders import Matrix
    from mlrun.records import Array


@dataclass(frozen=True, slots=True)
class Blueprint:
    """How to build a model, members and all; small and plain, so that it can travel to a worker.

    family: a name on the shelf, or the user's module:build, found from `folder`.
    recipe: None for a family whose members prepare the table each for itself.
    """

    model: str
    family: str
    params: Params
    recipe: Recipe | None
    task: Task
    folder: str = ""
    members: tuple[Blueprint, ...] = ()
    meta: Blueprint | None = None
    contamination: float = 0.1

    @property
    def entry(self) -> ModelFamily:
        return find_family(self.family, self.folder)


def find_family(reference: str, folder: str = "") -> ModelFamily:
    """Return a family of the shelf, or the user's: a ModelFamily, or a function that builds an estimator."""
    found = catalog.find("models", reference, folder)
    if isinstance(found, ModelFamily):
        return found
    return ModelFamily(
        build=found,
        tasks=("classification", "regression", "anomaly"),
        simplicity_rank=99,
        hyperparameters=None,
        needs=("scaling",),
        gives="probabilities" if hasattr(found, "predict_proba") else "labels",
    )


def build(blueprint: Blueprint, seed_of: Callable[[str], int], prepare_seed: int = 0) -> Any:
    """Return the unfitted estimator; `seed_of` gives the seed of a model by its name.

    prepare_seed: of the members' preparation, the same that they have when they stand alone.
    """
    whole = blueprint.recipe is None
    members = tuple((member.model, _member(member, seed_of, prepare_seed, whole=whole)) for member in blueprint.members)
    if blueprint.meta is not None:
        members = (*members, ("(meta)", build(blueprint.meta, seed_of)))
    entry = blueprint.entry
    return _call_build(entry.build, blueprint, seed_of(blueprint.model), members)


def _member(member: Blueprint, seed_of: Callable[[str], int], prepare_seed: int, *, whole: bool) -> Any:
    """Return a member as a pipeline on tables, or as a bare estimator on the ensemble's own matrix."""
    estimator = build(member, seed_of, prepare_seed)
    if not whole or member.recipe is None:
        return estimator
    return Pipeline(member.recipe, estimator, prepare_seed, member.family, member.folder)


def _call_build(function: Any, blueprint: Blueprint, seed: int, members: tuple[tuple[str, Any], ...]) -> Any:
    """Call a build function with what its signature accepts: a user's own may be as short as build(params, seed)."""
    offered: dict[str, Any] = {"members": members, "task": blueprint.task.kind}
    parameters = inspect.signature(function).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    accepted = {name: value for name, value in offered.items() if takes_all or name in parameters}
    return function(dict(blueprint.params), seed, **accepted)


def gives(method: str) -> Callable[[Any], bool]:
    """Return whether a pipeline's estimator has a method: the pipeline then has it too."""
    return lambda pipeline: hasattr(pipeline.estimator, method)


class Pipeline(BaseEstimator):
    """An estimator that learns its own preparation: fit and predict take a table (polars)."""

    def __init__(self, recipe: Any, estimator: Any, seed: int = 0, family: str = "", folder: str = "") -> None:
        self.recipe = recipe
        self.estimator = estimator
        self.seed = seed
        self.family = family
        self.folder = folder

    def __sklearn_tags__(self) -> Any:
        return self.estimator.__sklearn_tags__()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "preparation_")

    @property
    def classes_(self) -> Array:
        """The class codes, once fitted; absent before, as scikit-learn expects."""
        return np.asarray(self.estimator_.classes_)

    @available_if(gives("predict_proba"))
    def predict_proba(self, table: pl.DataFrame) -> Array:
        return np.asarray(self.estimator_.predict_proba(self._matrix(table)))

    @available_if(gives("decision_function"))
    def decision_function(self, table: pl.DataFrame) -> Array:
        return np.asarray(self.estimator_.decision_function(self._matrix(table)))

    def fit(self, table: pl.DataFrame, truth: Array, sample_weight: Array | None = None) -> Pipeline:
        """Learn the preparation from these rows, then fit a copy of the estimator on their matrix.

        Weights are left out where the family takes none: an ensemble hands them to all of its members.
        """
        preparation, matrix = learn(self.recipe, table, truth, self.seed)
        self.preparation_ = preparation.state()
        estimator, positions = clone(self.estimator), preparation.category_positions
        estimator = coded(estimator, self.family, self.folder, positions)
        weights = sample_weight if self.family and find_family(self.family, self.folder).weights else None
        self.estimator_ = fit_estimator(estimator, matrix, truth, weights)
        return self

    def adopt(self, preparation: Preparation, estimator: Any) -> Pipeline:
        """Take what was learned already from the rows that `fit` would be given."""
        self.preparation_, self.estimator_ = preparation.state(), estimator
        return self

    def predict(self, table: pl.DataFrame) -> Array:
        """Return what the estimator predicts for these rows."""
        return np.asarray(self.estimator_.predict(self._matrix(table)))

    def _matrix(self, table: pl.DataFrame) -> Matrix:
        return Preparation.restore(self.preparation_).matrix(table)


def adopted(committee: Any, learned: Sequence[tuple[Preparation | None, Any]]) -> Any:
    """Return a committee made of what each of its members learned alone, in their order: a fit would give the same.

    A member that prepares nothing, such as another committee, is its estimator.
    """
    pairs = zip(committee.members, learned, strict=True)
    return committee.adopt(
        [estimator if ready is None else clone(member).adopt(ready, estimator) for member, (ready, estimator) in pairs]
    )


def coded(estimator: Any, family: str, folder: str, positions: Sequence[int]) -> Any:
    """Return an unfitted estimator that knows which columns are category codes, where its family takes them."""
    given = find_family(family, folder).with_categories if positions and family else None
    return estimator if given is None else given(estimator, positions)


def fit_estimator(estimator: Any, matrix: Any, truth: Array | None, weights: Array | None) -> Any:
    """Fit, with weights where there are any; anomaly families are given no truth."""
    rows = (matrix,) if truth is None else (matrix, truth)
    return estimator.fit(*rows) if weights is None else estimator.fit(*rows, sample_weight=weights)


def predict_rows(estimator: Any, matrix: Any, blueprint: Blueprint, threshold: float | None = None) -> Prediction:
    """Return values, probabilities and scores of rows, as far as the estimator gives them.

    Raises InvalidOutput when the estimator gives another shape than its rows and classes ask for, numbers that are
    not finite, or labels that it was never shown.
    """
    if blueprint.task.kind == "anomaly":
        return _anomalies(estimator, matrix, blueprint, threshold)
    if blueprint.task.kind == "regression":
        return Prediction(checked(np.asarray(estimator.predict(matrix), dtype=np.float64).reshape(-1), matrix))
    probabilities = scores = said = None
    count = len(blueprint.task.labels)
    if hasattr(estimator, "predict_proba"):
        known = checked(np.asarray(estimator.predict_proba(matrix), dtype=np.float64), matrix)
        probabilities = _all_classes(_columns(known, len(estimator.classes_)), estimator.classes_, count)
        if says_likeliest(blueprint.entry, estimator):
            said = estimator.classes_.take(known.argmax(axis=1))
    elif hasattr(estimator, "decision_function"):
        scores = checked(np.asarray(estimator.decision_function(matrix), dtype=np.float64), matrix)
    said = estimator.predict(matrix) if said is None else said
    values = checked(np.asarray(said).reshape(-1), matrix).astype(np.int64)
    if len(values) and not 0 <= values.min() <= values.max() < count:
        raise InvalidOutput(f"predicted labels that are none of the {count} classes")
    return Prediction(values, probabilities, scores)


def says_likeliest(entry: ModelFamily, estimator: Any) -> bool:
    """Say whether the classes of a fitted estimator are those of its highest probabilities."""
    return entry.says_likeliest if entry.likeliest_by is None else entry.likeliest_by(estimator)


def _anomalies(estimator: Any, matrix: Any, blueprint: Blueprint, threshold: float | None) -> Prediction:
    scores = checked(anomaly_scores(estimator, matrix, blueprint), matrix)
    cut = np.inf if threshold is None else threshold
    return Prediction((scores > cut).astype(np.int64), None, scores)


def anomaly_scores(estimator: Any, matrix: Any, blueprint: Blueprint) -> Array:
    """Return (n,) scores, higher = more anomalous; of a user's family, scikit-learn's score_samples turned round."""
    given = blueprint.entry.anomaly_score
    scores = -estimator.score_samples(matrix) if given is None else given(estimator, matrix)
    return np.asarray(scores, dtype=np.float64).reshape(-1)


def checked(values: Array, matrix: Any) -> Array:
    """Return what was said of a matrix's rows, one finite entry a row; raise InvalidOutput otherwise."""
    rows = matrix.shape[0]
    if len(values) != rows:
        raise InvalidOutput(f"{len(values)} predictions for {rows} rows")
    if not np.isfinite(values).all():
        raise InvalidOutput("predictions that are not finite")
    return values


def _columns(probabilities: Array, classes: int) -> Array:
    if probabilities.ndim != 2 or probabilities.shape[1] != classes:
        raise InvalidOutput(f"probabilities of shape {probabilities.shape} for {classes} classes")
    return probabilities


def _all_classes(probabilities: Array, classes: Sequence[int], count: int) -> Array:
    """Return a column for every class of the task; a class that the fold's training rows lack has probability 0."""
    if probabilities.shape[1] == count and len(classes) == count:
        return np.ascontiguousarray(probabilities)
    complete = np.zeros((len(probabilities), count))
    complete[:, np.asarray(classes, dtype=np.int64)] = probabilities
    return complete
