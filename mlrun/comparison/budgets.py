"""From the trials of two runs to what the larger search would have found with as many trials as the smaller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlrun.errors import MlrunError
from mlrun.runs import read_trials
from mlrun.statistics import expected_best
from mlrun.store.run_record import MetricRecord, ModelRecord, RunRecord


@dataclass(frozen=True, slots=True)
class UnequalBudget:
    """A model that two runs searched with other numbers of trials; used: how many each, the reference's first.

    expected: each run's expected best score over the folds at the smaller number (Dodge et al. 2019), None = unknown.
    """

    model: str
    run: str
    used: tuple[int, ...]
    expected: tuple[float | None, ...]


def unequal_budgets(
    old: tuple[RunRecord, Path], new: tuple[RunRecord, Path], pairs: Sequence[tuple[ModelRecord, ModelRecord]]
) -> tuple[UnequalBudget, ...]:
    """Return the pairs of models, the reference's first, that had other numbers of trials."""
    found = []
    for before, after in pairs:
        used = tuple(model.budget.used if model.budget else 0 for model in (before, after))
        if before.kind == "baseline" or 0 in used or used[0] == used[1]:
            continue
        metric = old[0].metrics[0]
        expected = (expected_of(old[1], before, metric, min(used)), expected_of(new[1], after, metric, min(used)))
        found.append(UnequalBudget(after.name, new[0].name, used, expected))
    return tuple(found)


def expected_of(folder: Path, model: ModelRecord, metric: MetricRecord, trials: int) -> float | None:
    """Return the expected best mean over the folds among so many of a model's trials; None where they are unknown."""
    try:
        scored = [
            result.scores[metric.label]
            for result in read_trials(folder)
            if result.trial.model == model.name
            and result.trial.fidelity == 1
            and result.status == "done"
            and metric.label in result.scores
        ]
    except MlrunError:
        return None
    means = [sum(score for score in scores if score is not None) / len(scores) for scores in scored
             if scores and None not in scores]  # fmt: skip
    sign = 1.0 if metric.direction == "maximize" else -1.0
    return sign * expected_best([sign * mean for mean in means], trials) if means else None
