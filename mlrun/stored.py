"""A champion as it is stored and used again: estimator, preparation and what is needed to read new rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mlrun.pipelines import Blueprint, predict_rows
from mlrun.prepare import Preparation
from mlrun.records import Prediction, Task
from mlrun.wrapping import Wrapping

if TYPE_CHECKING:
    import polars as pl


class Model(Protocol):
    """What can be asked of a run's model, wherever it lives; schema: the type of every column it reads, as loaded."""

    @property
    def blueprint(self) -> Blueprint: ...

    @property
    def features(self) -> tuple[str, ...]: ...

    @property
    def schema(self) -> Mapping[str, str]: ...

    @property
    def versions(self) -> Mapping[str, str]: ...

    def predict(self, table: pl.DataFrame) -> Prediction: ...

    def wrapped(self, prediction: Prediction) -> Prediction: ...


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A whole model in this process; schema: every column it reads (dataset.apply_schema casts new rows so).

    wrapping: what is done to each prediction: calibrated, cut; None = nothing. versions: of the libraries that stored
    it, once it is read back.
    """

    blueprint: Blueprint
    estimator: Any
    preparation: Preparation | None
    features: tuple[str, ...]
    schema: Mapping[str, str]
    threshold: float | None = None
    target_transform: str | None = None
    wrapping: Wrapping | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def predict(self, table: pl.DataFrame) -> Prediction:
        """Return the prediction of rows that have the schema's columns."""
        rows = table.select(self.features)
        matrix = rows if self.preparation is None else self.preparation.matrix(rows)
        prediction = predict_rows(self.estimator, matrix, self.blueprint, self.threshold)
        if self.target_transform == "log":
            return replace(prediction, values=np.exp(prediction.values))
        return self.wrapped(prediction)

    def wrapped(self, prediction: Prediction) -> Prediction:
        """Return what the estimator said as the model shows it: calibrated and cut, where it is wrapped."""
        return prediction if self.wrapping is None else self.wrapping.apply(prediction)


def as_payload(model: StoredModel) -> dict[str, Any]:
    """Return what the model file holds: plain data, scikit-learn's objects and the estimator."""
    blueprint = model.blueprint
    wrapped = {} if model.wrapping is None else {"wrapping": model.wrapping.state()}
    return {
        "model": blueprint.model,
        "family": blueprint.family,
        "params": dict(blueprint.params),
        "task": {"kind": blueprint.task.kind, "labels": list(blueprint.task.labels)},
        "features": list(model.features),
        "schema": dict(model.schema),
        "threshold": model.threshold,
        "target_transform": model.target_transform,
        "preparation": None if model.preparation is None else model.preparation.state(),
        "estimator": model.estimator,
        **wrapped,
    }


def from_payload(payload: Mapping[str, Any], folder: str = "") -> StoredModel:
    """Return the model that gave this payload; `folder` is where a user's own family is found."""
    task = Task(payload["task"]["kind"], tuple(payload["task"]["labels"]))
    blueprint = Blueprint(payload["model"], payload["family"], payload["params"], None, task, folder)
    state = payload["preparation"]
    return StoredModel(
        blueprint=blueprint,
        estimator=payload["estimator"],
        preparation=None if state is None else Preparation.restore(state),
        features=tuple(payload["features"]),
        schema=payload["schema"],
        threshold=payload["threshold"],
        target_transform=payload["target_transform"],
        wrapping=Wrapping.restore(payload["wrapping"]) if "wrapping" in payload else None,
        versions=payload["versions"],
    )
