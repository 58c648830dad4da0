"""The small tables that scikit-learn ships, with their columns named as it names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlrun.catalog import suggestion
from mlrun.contracts import Source
from mlrun.errors import DataError
from mlrun.records import Params, TaskKind

if TYPE_CHECKING:
    import polars as pl

TASKS: dict[str, TaskKind] = {
    "breast_cancer": "classification",
    "diabetes": "regression",
    "digits": "classification",
    "iris": "classification",
    "wine": "classification",
}
TARGET = "target"


def load(params: Params, folder: str) -> pl.DataFrame:
    """Return a bundled table; the column `target` holds class names, digits as integers, or numbers."""
    import polars as pl

    name = _name(params)
    bunch = _bunch(name, params)
    columns = dict(zip(map(str, bunch.feature_names), bunch.data.T, strict=True))
    named = TASKS[name] == "classification" and name != "digits"
    target = bunch.target_names[bunch.target].astype(str) if named else bunch.target
    return pl.DataFrame({**columns, TARGET: target})


def _name(params: Params) -> str:
    name = params["name"]
    if name not in TASKS:
        raise DataError(f"scikit-learn ships no table '{name}' that fits here{suggestion(str(name), TASKS)}")
    return str(name)


def _bunch(name: str, params: Params) -> Any:
    from sklearn import datasets

    if "scaled" not in params:
        return getattr(datasets, f"load_{name}")()
    if name != "diabetes" or not isinstance(params["scaled"], bool):
        raise DataError("`scaled` is true or false, and for the table diabetes only.")
    return datasets.load_diabetes(scaled=params["scaled"])


def _task(params: Params) -> TaskKind | None:
    return TASKS[_name(params)]


ENTRY = Source(
    load=load,
    required=("name",),
    parameters={
        "name": ", ".join(sorted(TASKS)),
        "scaled": "diabetes only: false gives the columns in their own units (default true)",
    },
    target=TARGET,
    task=_task,
)
