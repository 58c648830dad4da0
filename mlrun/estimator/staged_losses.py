"""The losses of boosted trees on any rows, round by round: each round adds its trees to what those before it said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlrun.contracts import Estimator
    from mlrun.records import Array

ABSOLUTE, SQUARED = "reg:absoluteerror", ("reg:squarederror", None)  # xgboost's objectives


def scikit_losses(estimator: Estimator, rows: Array, truth: Array, at: Sequence[int]) -> Iterator[Array]:
    """Yield the (n,) losses after each of these rounds, of scikit-learn's boosting, in the unit of its train_score_."""
    import numpy as np

    wanted, loss = frozenset(at), estimator._loss  # noqa: SLF001 - held by a test against metrics of what it predicts
    factor = 2.0 if doubled(estimator) else 1.0
    codes = np.searchsorted(estimator.classes_, truth) if hasattr(estimator, "classes_") else truth
    codes = np.ascontiguousarray(codes, dtype=np.float64)
    staged = estimator._staged_raw_predict(rows)  # noqa: SLF001 - as above
    for number, raw in enumerate(staged, 1):
        if number in wanted:
            said = raw[:, 0] if raw.shape[1] == 1 else raw
            yield factor * loss.loss(codes, np.ascontiguousarray(said, dtype=np.float64))
        if number == at[-1]:
            return


def doubled(estimator: Estimator) -> bool:
    """Say whether train_score_ is twice the loss: gradient boosting's is, where the loss is a half by its name."""
    name = type(estimator._loss).__name__  # noqa: SLF001 - as above
    return hasattr(estimator, "n_estimators_") and name in {"HalfSquaredError", "HalfBinomialLoss"}


def xgboost_losses(estimator: Estimator, rows: Array, truth: Array, at: Sequence[int]) -> Iterator[Array]:
    """Yield the (n,) losses after each of these rounds: log loss, squared or absolute error, by the objective."""
    import numpy as np
    from xgboost import DMatrix

    types = estimator.feature_types
    matrix = DMatrix(rows, missing=estimator.missing, feature_types=types, enable_categorical=bool(types), nthread=1)
    done = 0
    for end in at:
        margins = estimator.get_booster().predict(matrix, output_margin=True, iteration_range=(done, end))
        matrix.set_base_margin(margins)  # the next rounds are added to these
        done = end
        yield margin_losses(estimator, margins.astype(np.float64), truth)


def margin_losses(estimator: Estimator, margins: Array, truth: Array) -> Array:
    """Return the (n,) losses of xgboost's raw scores."""
    import numpy as np

    if not hasattr(estimator, "classes_"):
        errors = margins - truth
        return np.abs(errors) if estimator.objective == ABSOLUTE else errors**2
    codes = np.searchsorted(estimator.classes_, truth)
    if margins.ndim == 1:
        margins = np.column_stack([np.zeros(len(margins)), margins])
    losses: Array = np.logaddexp.reduce(margins, axis=1) - np.take_along_axis(margins, codes[:, None], axis=1)[:, 0]
    return losses


def xgboost_rounds(estimator: Any) -> int:
    """Return how many rounds were made; 0 where a round does not stand for itself, or the loss is of another kind."""
    if estimator.booster not in (None, "gbtree"):
        return 0
    if not hasattr(estimator, "classes_") and estimator.objective not in (*SQUARED, ABSOLUTE):
        return 0
    return int(estimator.get_booster().num_boosted_rounds())
