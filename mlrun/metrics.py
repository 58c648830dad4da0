"""The metrics: each a caption, a direction, what it needs, and how truth and prediction become a number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlrun import measures
from mlrun import scores as maths
from mlrun.catalog import load_object, suggestion
from mlrun.contracts import Metric
from mlrun.errors import UsageError
from mlrun.kinds import Number
from mlrun.records import MetricSpec, Prediction, Task

if TYPE_CHECKING:
    from mlrun.records import Array

Target = Literal["binary", "multiclass", "regression", "anomaly"]
LABELLED: tuple[Target, ...] = ("binary", "anomaly")
CLASSES: tuple[Target, ...] = ("binary", "multiclass", "anomaly")
PROBABILISTIC: tuple[Target, ...] = ("binary", "multiclass")
EVERY: tuple[Target, ...] = ("binary", "multiclass", "regression", "anomaly")
FORMS = {"f1": "f1_macro", "precision": "precision_macro", "recall": "recall_macro", "specificity": "recall_macro"}


def score(
    specs: Sequence[MetricSpec], truth: Array, prediction: Prediction, task: Task, folder: str = ""
) -> dict[str, float | None]:
    """Score one prediction by every metric asked for: label → number, None where it is not defined.

    truth: (n,) class codes or numbers, of the rows that the prediction is about. A metric is not defined when the
    prediction lacks what it needs (no probabilities), or truth does (one class only). folder: where a metric of the
    user's own is looked up.
    """
    found: dict[str, float | None] = {}
    with np.errstate(all="ignore"):  # overflow gives inf or NaN, and both are told as None
        for spec in specs:
            metric = entry(spec.name, folder)
            answerable = len(truth) > 0 and _can(metric, prediction)
            value = metric.compute(truth, prediction, task, **spec.params) if answerable else math.nan
            found[spec.label] = float(value) if math.isfinite(value) else None
    return found


def _can(metric: Metric, prediction: Prediction) -> bool:
    if metric.needs == "labels" or prediction.probabilities is not None:
        return True
    return metric.needs == "scores" and prediction.scores is not None


def entry(name: str, folder: str = "") -> Metric:
    """Return the metric called `name` (canonical), or the user's own at `module:attribute`.

    That is a `contracts.Metric`, or a function (truth, prediction, task) → number, of which more is better.
    Raises UsageError when there is none.
    """
    known = ENTRIES.get(name)
    if known is not None:
        return known
    if ":" not in name:
        return ENTRIES[resolve(name)]
    own = load_object(name, folder)
    if isinstance(own, Metric):
        return replace(own, compute=measures.guarded(name, own.compute))
    if not callable(own):
        raise UsageError(f"metric '{name}' is neither a function (truth, prediction, task) nor a contracts.Metric")
    return Metric(
        measures.guarded(name, own), "maximize", EVERY, "labels", (-math.inf, math.inf), f"{name}, the user's own"
    )


def resolve(name: str) -> str:
    """Return the canonical name of a metric: scikit-learn's names, with or without `neg_`, and common short ones.

    Raises UsageError with the nearest name when there is none.
    """
    plain = name.removeprefix("neg_")
    if ":" in name or plain in ENTRIES:
        return plain
    if plain in ALIASES:
        return ALIASES[plain]
    raise UsageError(f"there is no metric '{name}'{suggestion(name, (*ENTRIES, *ALIASES))}")


def specify(name: str, params: Mapping[str, Any] | None = None, folder: str = "") -> MetricSpec:
    """Return what a spec asks for with `name` and `params`, canonical, with defaults written out.

    Raises UsageError on an unknown name or parameter, or a value that is not admitted.
    """
    canonical = resolve(name)
    metric, given = entry(canonical, folder), dict(params or {})
    for key, value in given.items():
        if ":" not in canonical and key not in metric.parameters:
            raise UsageError(_unknown_parameter(name, key, metric))
        if key in metric.kinds and not metric.kinds[key].admits(value):
            raise UsageError(f"'{key}' of metric '{name}' must be {metric.kinds[key]}, not {value!r}")
    return MetricSpec(canonical, {**metric.parameters, **given})


def _unknown_parameter(name: str, key: str, metric: Metric) -> str:
    if not metric.parameters:
        return f"metric '{name}' takes no parameters, so not '{key}'"
    return f"metric '{name}' has no parameter '{key}'{suggestion(key, metric.parameters)}"


def defaults(task: Task) -> tuple[MetricSpec, ...]:
    """Return the metrics of a spec that names none; the first one chooses. () for anomalies without labels."""
    chosen: dict[Target, tuple[str, ...]] = {
        "binary": ("roc_auc", "accuracy", "f1", "log_loss"),
        "multiclass": ("accuracy", "f1_macro", "log_loss"),
        "regression": ("rmse", "mae", "r2"),
        "anomaly": ("roc_auc", "average_precision", "precision_at", "recall_at") if task.labels else (),
    }
    costly = ("cost",) if task.binary and task.costs else ()
    return tuple(specify(name) for name in chosen[target_of(task)] + costly)


def target_of(task: Task) -> Target:
    """Return which kind of target a task has, in the words of `Metric.targets`."""
    if task.kind == "classification":
        return "multiclass" if task.multiclass else "binary"
    return task.kind


def applies(name: str, task: Task, folder: str = "") -> str | None:
    """Tell why a metric does not fit a task, and what to write in its stead; None when it fits."""
    metric, target = entry(name, folder), target_of(task)
    if task.kind == "anomaly" and not task.labels:
        return f"'{name}' needs labels, and the data has no target; name one, or leave out metrics"
    if target not in metric.targets:
        return _misfit(name, metric, task, target)
    if name == "cost" and set(task.costs) != {"false_negative", "false_positive"}:
        return "'cost' needs costs; write for instance costs: {false_negative: 5, false_positive: 1}"
    return None


def _misfit(name: str, metric: Metric, task: Task, target: Target) -> str:
    if target == "multiclass" and "binary" in metric.targets:
        cure = f"; say {FORMS[name]} or {FORMS[name].replace('macro', 'weighted')}" if name in FORMS else ""
        return f"'{name}' is for two classes, and the target has {len(task.labels)}{cure}"
    fitting = [known for known, other in ENTRIES.items() if target in other.targets][:6]
    return f"'{name}' does not fit {task.kind}; these do: {', '.join(fitting)}, ..."


def oriented(name: str, value: float, folder: str = "") -> float:
    """Return the score turned so that higher is better."""
    return value if entry(name, folder).direction == "maximize" else -value


# -- the table ---------------------------------------------------------------------------------------------------------

UNIT, SIGNED, LOSS = (0.0, 1.0), (-1.0, 1.0), (0.0, math.inf)


def _counts(
    caption: str,
    measure: Callable[[maths.Counts], float],
    targets: tuple[Target, ...] = CLASSES,
    bounds: tuple[float, float] = UNIT,
    **more: Any,
) -> Metric:
    return Metric(measures.counted(measure), "maximize", targets, "labels", bounds, caption, **more)


def _ranking(caption: str, measure: Callable[..., float], targets: tuple[Target, ...] = CLASSES, **more: Any) -> Metric:
    return Metric(measures.ranked(measure), "maximize", targets, "scores", UNIT, caption, **more)


def _top(caption: str, measure: Callable[..., float], rows: Callable[..., Array]) -> Metric:
    k = Number(above=0, high=1)
    more: dict[str, Any] = {"parameters": {"k": 0.05}, "kinds": {"k": k}, "interval": "chosen", "rows": rows}
    return _ranking(caption, measure, LABELLED, **more)


def _row_loss(
    caption: str, rows: Callable[..., Array], targets: tuple[Target, ...] = ("regression",), **more: Any
) -> Metric:
    more = {"needs": "labels", "bounds": LOSS, **more}
    return Metric(measures.mean(rows), "minimize", targets, caption=caption, interval="mean", rows=rows, **more)


def _proportion(caption: str, rows: Callable[..., Array], targets: tuple[Target, ...], **more: Any) -> Metric:
    named: dict[str, Any] = {"direction": "maximize", "needs": "labels", "bounds": UNIT, **more}
    return Metric(measures.mean(rows), targets=targets, caption=caption, interval="proportion", rows=rows, **named)


def _numbers(
    caption: str,
    measure: Callable[[Array, Array], float],
    direction: Literal["maximize", "minimize"] = "minimize",
    bounds: tuple[float, float] = LOSS,
    **more: Any,
) -> Metric:
    return Metric(measures.numeric(measure), direction, ("regression",), "labels", bounds, caption, **more)


ENTRIES: dict[str, Metric] = {
    # classes
    "accuracy": _proportion("share of rows predicted rightly", measures.right, CLASSES, aliases=("accuracy_score",)),
    "balanced_accuracy": _counts("mean recall of the classes", maths.balanced_accuracy, aliases=("bac",)),
    "precision": _counts(
        "share of predicted positives that are positive",
        maths.precision,
        LABELLED,
        aliases=("ppv",),
        interval="chosen",
        rows=measures.positives_among_chosen,
    ),
    "recall": _proportion(
        "share of positives found", measures.right_positives, LABELLED, aliases=("sensitivity", "tpr")
    ),
    "specificity": _proportion("share of negatives left alone", measures.right_negatives, LABELLED, aliases=("tnr",)),
    "false_positive_rate": _proportion(
        "share of negatives called positive", measures.alarms, LABELLED, direction="minimize", aliases=("fpr",)
    ),
    "false_negative_rate": _proportion(
        "share of positives missed", measures.misses, LABELLED, direction="minimize", aliases=("fnr",)
    ),
    "f1": _counts("harmonic mean of precision and recall", maths.f1, LABELLED, aliases=("f1_score",)),
    "precision_macro": _counts("precision, mean of classes", lambda c: maths.precision_average(c, "macro")),
    "recall_macro": _counts("recall, mean of classes", lambda c: maths.recall_average(c, "macro")),
    "f1_macro": _counts("F1, mean of classes", lambda c: maths.f1_average(c, "macro")),
    "precision_weighted": _counts("precision, by class size", lambda c: maths.precision_average(c, "weighted")),
    "recall_weighted": _counts("recall, by class size", lambda c: maths.recall_average(c, "weighted")),
    "f1_weighted": _counts("F1, by class size", lambda c: maths.f1_average(c, "weighted")),
    "f1_micro": _proportion("F1 over all classes at once, which is accuracy", measures.right, CLASSES),
    "mcc": _counts(
        "Matthews' correlation of truth and prediction", maths.matthews, bounds=SIGNED, aliases=("matthews_corrcoef",)
    ),
    "kappa": _counts(
        "Cohen's agreement beyond chance", maths.kappa, bounds=SIGNED, aliases=("cohen_kappa", "cohen_kappa_score")
    ),
    "cost": _row_loss("cost of the errors per 1,000 rows", measures.costs, LABELLED),
    # rankings
    "roc_auc": _ranking(
        "chance that a positive outranks a negative; many classes: each against the rest, mean",
        maths.auc,
        interval="auc",
        aliases=("auc", "auroc", "roc_auc_score", "roc_auc_ovr"),
    ),
    "average_precision": _ranking(
        "area under precision over recall; many classes: mean",
        maths.average_precision,
        aliases=("ap", "pr_auc", "average_precision_score"),
    ),
    "precision_at": _top(
        "share of positives among the share k of rows that score highest",
        maths.precision_at,
        measures.positives_among_highest,
    ),
    "recall_at": _top(
        "share of all positives among the share k of rows that score highest",
        maths.recall_at,
        measures.highest_among_positives,
    ),
    # probabilities
    "log_loss": _row_loss(
        "mean −ln of the probability of the true class",
        measures.log_losses,
        PROBABILISTIC,
        needs="probabilities",
        aliases=("logloss", "cross_entropy"),
    ),
    "brier": _row_loss(
        "mean squared error of the probabilities",
        measures.brier_losses,
        PROBABILISTIC,
        needs="probabilities",
        bounds=(0.0, 2.0),
        aliases=("brier_score", "brier_score_loss"),
    ),
    # numbers
    "rmse": replace(
        _row_loss("root of the mean squared error", measures.squares, aliases=("root_mean_squared_error",)),
        compute=measures.root_mean(measures.squares),
        interval="root_mean",
    ),
    "mae": _row_loss("mean absolute error", measures.errors, aliases=("mean_absolute_error",)),
    "r2": _numbers("share of the variance explained", maths.r2, "maximize", (-math.inf, 1.0), aliases=("r2_score",)),
    "mse": _row_loss("mean squared error", measures.squares, aliases=("mean_squared_error",)),
    "mape": _row_loss(
        "mean of |error| / |truth|, a fraction", measures.relative_errors, aliases=("mean_absolute_percentage_error",)
    ),
    "median_absolute_error": _numbers("median of |error|", maths.median_error, aliases=("medae",)),
    "max_error": _numbers("largest |error|", maths.largest_error, interval="none"),
    "pinball": _row_loss(
        "quantile loss of the prediction at alpha",
        measures.pinball_losses,
        parameters={"alpha": 0.5},
        kinds={"alpha": Number(low=0, high=1)},
        aliases=("mean_pinball_loss", "pinball_loss"),
    ),
}

ALIASES: dict[str, str] = {alias: name for name, metric in ENTRIES.items() for alias in metric.aliases}
