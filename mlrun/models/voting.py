"""Voting: a committee of models of the same spec, which vote or whose probabilities are averaged."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun.contracts import Estimator, Gives, ModelFamily
from mlrun.estimator.hyperparameters import given, optional
from mlrun.kinds import ByTask, ListOf, Number, OneOf
from mlrun.records import Params, Prediction, Task, TaskKind


def build(
    params: Params, seed: int, members: tuple[tuple[str, Estimator], ...] = (), task: TaskKind = "classification"
) -> Estimator:
    from mlrun.estimator.votes import VoteClassifier, VoteRegressor

    voters = [estimator for _, estimator in members]
    return VoteRegressor(voters, **params) if task == "regression" else VoteClassifier(voters, **params)


def combine(params: Params, predictions: Sequence[Prediction], task: Task) -> Prediction:
    """Return what the committee predicts, from what its members predicted of the same rows.

    The same numbers, bit for bit, as those of scikit-learn's VotingClassifier and VotingRegressor.
    """
    from mlrun.estimator.votes import average_numbers, average_probabilities, count_votes

    weights = given(params, "weights", None)
    if task.kind == "regression":
        return Prediction(average_numbers([of_member.values for of_member in predictions], weights))
    if _gives(params) == "labels":
        return Prediction(count_votes([of_member.values for of_member in predictions], len(task.labels), weights))
    known = [of_member.probabilities for of_member in predictions if of_member.probabilities is not None]
    if len(known) < len(predictions):
        raise ValueError("soft voting over a member without probabilities")
    probabilities = average_probabilities(known, weights)
    return Prediction(probabilities.argmax(axis=1), probabilities)


def _gives(params: Params) -> Gives:
    return "probabilities" if given(params, "voting", "hard") == "soft" else "labels"


ENTRY = ModelFamily(
    build=build,
    tasks=("classification", "regression"),
    simplicity_rank=7,
    assumptions=("prediction", "iid"),
    hyperparameters={
        "voting": ByTask(classification=OneOf("hard", "soft")),
        "weights": optional(ListOf(Number(low=0))),
    },
    gives_by=_gives,
    weights=True,
    members="many",
    combine=combine,
)
