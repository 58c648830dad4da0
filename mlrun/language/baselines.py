"""What may be written of each baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from mlrun.language.shape import Name, Scalar, Shape, Text
from mlrun.records import TaskKind


class NameShape(Shape):
    name: Name | None = Field(default=None, description="the kind when left out")


class RandomShape(NameShape):
    uniform: bool = Field(default=False, description="every class equally often, not by frequency")


class ZeroRuleShape(NameShape):
    statistic: Literal["mean", "median"] = Field(default="mean", description="for regression")


class RuleShape(NameShape):
    when: Text = Field(description="a SQL condition over the columns")
    predict: Scalar = Field(default=None, description="where it holds; the positive label")
    otherwise: Scalar = Field(default=None, description="elsewhere; of two labels the other one")


class ConstantShape(NameShape):
    value: Scalar = Field(description="a label, a number, mean or median")


class HumanShape(NameShape):
    column: Text | None = Field(default=None, description="a column of people's labels")
    path: Text | None = Field(default=None, description="a file of people's labels")
    id: Text | None = Field(default=None, description="the file's id column")


class ExistingShape(NameShape):
    column: Text | None = Field(default=None, description="a column of answers of what is in use today")
    is_: Literal["label", "probability", "score"] = Field(default="label", alias="is", description="what it holds")
    at_least: float | None = Field(default=None, description="from which score the positive class is said")
    predictions: Text | None = Field(default=None, description="a file with ids and predictions")
    id: Text | None = Field(default=None, description="the file's id column")
    run: Text | None = Field(default=None, description="an earlier run, such as income@latest")


class PreviousShape(NameShape):
    """The last known target; with `time` only."""


class MaxZShape(NameShape):
    """The largest z-score of a row's numbers."""


BASELINES: Mapping[str, type[NameShape]] = {
    "random": RandomShape,
    "zero_rule": ZeroRuleShape,
    "rule": RuleShape,
    "constant": ConstantShape,
    "human": HumanShape,
    "existing": ExistingShape,
    "previous": PreviousShape,
    "max_z": MaxZShape,
}
# Exactly one of these is given.
ALTERNATIVES: Mapping[str, tuple[str, ...]] = {
    "human": ("column", "path"),
    "existing": ("column", "predictions", "run"),
}

TASKS: Mapping[str, tuple[TaskKind, ...]] = {  # of those that do not fit every task
    "human": ("classification", "regression"),
    "previous": ("classification", "regression"),
    "max_z": ("anomaly",),
}
