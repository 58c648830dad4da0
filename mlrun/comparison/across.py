"""From runs on several data sets to which of the models that all of them have rank higher over the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlrun.comparison.common_ground import Subject
from mlrun.store.run_record import ModelRecord, RunRecord

FEWEST = 3  # data sets


@dataclass(frozen=True, slots=True)
class RankedModel:
    """A model's mean rank over the data sets, 1 = best on each; apart: it lies further off the first than chance."""

    model: str
    mean_rank: float
    scores: tuple[float, ...]
    apart: bool


@dataclass(frozen=True, slots=True)
class Across:
    """Models over data sets, best first; p_value: that they do not differ at all (Friedman, as Iman and Davenport).

    critical_difference: of mean ranks (Nemenyi). Source: Demšar 2006, JMLR 7.
    """

    runs: tuple[str, ...]
    metric: str
    models: tuple[RankedModel, ...]
    p_value: float
    critical_difference: float
    confidence: float


def rank_across(subjects: Sequence[Subject], confidence: float) -> Across | None:
    """Rank the models that all runs have; None unless these are of three data sets or more, by one metric.

    Scores are those of test, of the folds where a run has no test. Models that come out alike share a rank.
    """
    records = [subject.record for subject in subjects]
    if len(records) < FEWEST or not are_of_several_data_sets(records):
        return None
    label, direction = records[0].metrics[0].label, records[0].metrics[0].direction
    known = [scores_of(record, label) for record in records]
    names = [name for name in known[0] if all(name in each for each in known)]
    if len(names) < 2:
        return None
    import numpy as np

    from mlrun.rankings import rank_models

    table = np.array([[each[name] for name in names] for each in known])
    ranking = rank_models(table if direction == "maximize" else -table, confidence)
    first = min(ranking.ranks)
    models = [
        RankedModel(name, rank, tuple(table[:, place].tolist()), rank - first > ranking.critical_difference)
        for place, (name, rank) in enumerate(zip(names, ranking.ranks, strict=True))
    ]
    return Across(
        tuple(record.name for record in records),
        label,
        tuple(sorted(models, key=lambda model: model.mean_rank)),
        ranking.p_value,
        ranking.critical_difference,
        confidence,
    )


def are_of_several_data_sets(records: Sequence[RunRecord]) -> bool:
    """Say whether every run is of an experiment and data of its own, all by the same first metric."""
    apart = len({record.experiment for record in records}) == len({record.data_id for record in records})
    metrics = [record.metrics[:1] for record in records]
    alike = bool(metrics[0]) and all(one == other for one, other in pairwise(metrics))
    return apart and alike and len({record.data_id for record in records}) == len(records)


def scores_of(record: RunRecord, label: str) -> dict[str, float]:
    """Return model → score by a metric, for the models that were fitted and have one."""
    found = {model.name: score_of(model, label) for model in record.models if model.kind == "model"}
    return {name: score for name, score in found.items() if score is not None}


def score_of(model: ModelRecord, label: str) -> float | None:
    if model.status != "done":
        return None
    if label in model.test:
        return model.test[label].value
    return model.cv[label].mean if label in model.cv else None
