"""From a prediction to what the maths of a metric wants: counts of classes, a ranking, a loss a row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun import scores as maths
from mlrun.errors import DataError, MlrunError, UsageError
from mlrun.records import Prediction, Task

if TYPE_CHECKING:
    from mlrun.contracts import Compute
    from mlrun.records import Array


def counted(measure: Callable[[maths.Counts], float]) -> Compute:
    def compute(truth: Array, prediction: Prediction, task: Task, **parameters: Any) -> float:
        return measure(maths.count(truth, prediction.values, max(2, len(task.labels))))

    return compute


def ranked(measure: Callable[..., float]) -> Compute:
    def compute(truth: Array, prediction: Prediction, task: Task, **parameters: Any) -> float:
        ranking = ranking_of(prediction)
        if ranking.ndim == 1:
            return measure(truth == 1, ranking, **parameters)
        each = [measure(truth == code, ranking[:, code], **parameters) for code in range(ranking.shape[1])]
        return sum(each) / len(each)  # one class against the rest, macro; NaN when a class is missing

    return compute


def ranking_of(prediction: Prediction) -> Array:
    """Return what orders the rows: (n,) for two classes, (n, k) for more.

    Two classes: scores before probabilities, which tie where they saturate; more: probabilities first, whose columns
    can be compared. Both as scikit-learn's scorers do.
    """
    scores, probabilities = prediction.scores, prediction.probabilities
    if scores is not None and (scores.ndim == 1 or probabilities is None):
        return scores
    if probabilities is None:
        raise UsageError("the prediction has neither scores nor probabilities")
    return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities


def numeric(measure: Callable[[Array, Array], float]) -> Compute:
    """Measure predicted numbers against the true ones."""

    def compute(truth: Array, prediction: Prediction, task: Task, **parameters: Any) -> float:
        return measure(truth, prediction.values)

    return compute


def mean(rows: Callable[..., Array]) -> Compute:
    def compute(truth: Array, prediction: Prediction, task: Task, **parameters: Any) -> float:
        each = rows(truth, prediction, task, **parameters)
        return float(each.sum()) / len(each) if len(each) else math.nan

    return compute


def root_mean(rows: Callable[..., Array]) -> Compute:
    average = mean(rows)

    def compute(truth: Array, prediction: Prediction, task: Task, **parameters: Any) -> float:
        return math.sqrt(average(truth, prediction, task, **parameters))

    return compute


# -- one loss or gain a row, for the metrics that are a mean of rows ---------------------------------------------------


def right(truth: Array, prediction: Prediction, task: Task) -> Array:
    found: Array = truth == prediction.values
    return found


def right_positives(truth: Array, prediction: Prediction, task: Task) -> Array:
    found: Array = prediction.values[truth == 1] == 1
    return found


def right_negatives(truth: Array, prediction: Prediction, task: Task) -> Array:
    found: Array = prediction.values[truth == 0] == 0
    return found


def alarms(truth: Array, prediction: Prediction, task: Task) -> Array:
    found: Array = prediction.values[truth == 0] == 1
    return found


def misses(truth: Array, prediction: Prediction, task: Task) -> Array:
    found: Array = prediction.values[truth == 1] == 0
    return found


def positives_among_chosen(truth: Array, prediction: Prediction, task: Task) -> Array:
    found: Array = truth[prediction.values == 1] == 1
    return found


def positives_among_highest(truth: Array, prediction: Prediction, task: Task, k: float) -> Array:
    found: Array = truth[maths.highest(ranking_of(prediction), k)] == 1
    return found


def highest_among_positives(truth: Array, prediction: Prediction, task: Task, k: float) -> Array:
    reached = np.zeros(len(truth), dtype=bool)
    reached[maths.highest(ranking_of(prediction), k)] = True
    found: Array = reached[truth == 1]
    return found


def log_losses(truth: Array, prediction: Prediction, task: Task) -> Array:
    return maths.log_losses(truth, _probabilities(prediction))


def brier_losses(truth: Array, prediction: Prediction, task: Task) -> Array:
    return maths.brier_losses(truth, _probabilities(prediction))


def _probabilities(prediction: Prediction) -> Array:
    if prediction.probabilities is None:
        raise UsageError("the prediction has no probabilities")
    found: Array = prediction.probabilities
    return found


def costs(truth: Array, prediction: Prediction, task: Task) -> Array:
    missed, alarmed = task.costs["false_negative"], task.costs["false_positive"]
    wrong = truth != prediction.values
    found: Array = 1000.0 * (wrong & (truth == 1)) * missed + 1000.0 * (wrong & (truth == 0)) * alarmed
    return found


def errors(truth: Array, prediction: Prediction, task: Task) -> Array:
    found: Array = np.abs(truth - prediction.values)
    return found


def squares(truth: Array, prediction: Prediction, task: Task) -> Array:
    found: Array = np.square(truth - prediction.values)
    return found


def relative_errors(truth: Array, prediction: Prediction, task: Task) -> Array:
    return maths.relative_errors(truth, prediction.values)


def pinball_losses(truth: Array, prediction: Prediction, task: Task, alpha: float) -> Array:
    return maths.pinball_losses(truth, prediction.values, alpha)


def guarded(name: str, own: Compute) -> Compute:
    """Return a metric of the user's own whose mistakes are a sentence: DataError for what it raises, or no number."""

    def compute(truth: Array, prediction: Prediction, task: Task, **parameters: Any) -> float:
        try:
            return float(own(truth, prediction, task, **parameters))
        except MlrunError:
            raise
        except (Exception, SystemExit) as error:  # the function is the user's, and runs in the main process too
            raise DataError(f"metric '{name}' failed with {type(error).__name__}: {error}") from error

    return compute
