"""Whether the features say anything of the target: a simple model against itself on shuffled targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlrun.assumption.judgement import Judgement, not_applicable
from mlrun.assumption.linear import held_out
from mlrun.scores import auc

if TYPE_CHECKING:
    from mlrun.assumption.judgement import Word
    from mlrun.assumption.sample import Sample
    from mlrun.records import Array

PERMUTATIONS, FOLDS, NEIGHBOURS = 10, 5, 15
NEIGHBOUR_ROWS = 2000
VIOLATED, STRAINED = 2.0, 3.0
CONSEQUENCES = {
    "": "no model can do better than guessing on these features: look for others, or for an error in the data"
}


def judge(sample: Sample) -> Judgement:
    """Judge z of the cross-validated score against 10 permutations of the target (Ojala & Garriga 2010, test 1).

    The model is linear; where that sees little the nearest neighbours are asked, which see what is not linear. Score:
    area under the ROC curve (one class against the rest, macro), or the correlation with a number.
    """
    if sample.truth is None:
        return not_applicable("there are no labels")
    if len(sample.rows) < 2 * FOLDS or len(np.unique(sample.truth)) < 2:
        return not_applicable("there are too few rows, or one class only")
    targets, width = shuffled_targets(sample)
    said = held_out(sample.features, targets, sample.folds(FOLDS))
    z, model = z_of(targets, said, width, sample), "a linear model"
    if z < STRAINED:
        part = sample.first(NEIGHBOUR_ROWS)
        targets, width = shuffled_targets(part)
        z, model = max((z, model), (z_of(targets, neighbours_mean(part, targets), width, part), "nearest neighbours"))
    word: Word = "violated" if z < VIOLATED else "strained" if z < STRAINED else "ok"
    verb = "scores" if model.startswith("a ") else "score"
    told = f"{model} {verb} {z:.1f} standard deviations above shuffled targets"
    return Judgement(word, "z against shuffled targets", z, told)


def shuffled_targets(sample: Sample) -> tuple[Array, int]:
    """Return the target and its permutations side by side, (n, 11 · width), and the width of one: its classes."""
    generator, truth = np.random.default_rng([sample.seed, 93]), sample.truth
    assert truth is not None  # noqa: S101 - the caller has labels
    every = [truth, *(generator.permutation(truth) for _ in range(PERMUTATIONS))]
    if sample.task.kind == "regression":
        return np.stack(every, axis=1), 1
    codes = np.unique(truth)
    return np.concatenate([(each[:, None] == codes).astype(np.float64) for each in every], axis=1), len(codes)


def z_of(targets: Array, said: Array, width: int, sample: Sample) -> float:
    scores = [
        score(targets[:, start : start + width], said[:, start : start + width], sample)
        for start in range(0, targets.shape[1], width)
    ]
    spread = float(np.std(scores[1:], ddof=1))
    return (scores[0] - float(np.mean(scores[1:]))) / spread if spread > 0 else 0.0


def score(targets: Array, said: Array, sample: Sample) -> float:
    if sample.task.kind == "regression":
        together = np.corrcoef(targets[:, 0], said[:, 0])[0, 1] if np.ptp(said) > 0 else 0.0
        return float(together)
    return float(np.mean([auc(targets[:, code] == 1, said[:, code]) for code in range(targets.shape[1])]))


def neighbours_mean(sample: Sample, targets: Array) -> Array:
    """Return the mean target of each row's nearest neighbours, (n, t)."""
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS, len(sample.rows) - 1)
    near = NearestNeighbors(n_neighbors=count).fit(sample.features).kneighbors(return_distance=False)
    found: Array = np.stack([targets[near[:, place]] for place in range(count)]).mean(axis=0)
    return found
