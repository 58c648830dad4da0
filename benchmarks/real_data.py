"""Six tables of real data from a folder of them, and the rows of each that are held out; absent ones are left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl


@dataclass(frozen=True, slots=True)
class DataSet:
    """read: from the folder of data sets to a table with a column `target`. file: without which it is absent."""

    name: str
    task: Literal["classification", "regression"]
    metric: str
    read: Callable[[Path], pl.DataFrame]
    file: str = ""

    @property
    def is_better_high(self) -> bool:
        return self.metric not in ("log_loss", "rmse")

    def is_there(self, folder: Path) -> bool:
        return (folder / self.file).exists()


def write_parts(data: DataSet, folder: Path, place: Path) -> None:
    """Write train.csv and test.csv: a quarter of the rows is held out, by class; the same ones each time."""
    from sklearn.model_selection import train_test_split

    table = data.read(folder)
    classes = table["target"] if data.task == "classification" else None
    rows = train_test_split(range(table.height), test_size=0.25, stratify=classes, random_state=0)
    for name, part in zip(("train", "test"), rows, strict=True):
        table[sorted(part)].write_csv(place / f"{name}.csv")


def _titanic(folder: Path) -> pl.DataFrame:
    kept = ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Embarked"]
    return pl.read_csv(folder / FILES["titanic"]).select(*kept, target="Survived")


def _compas(folder: Path) -> pl.DataFrame:
    counts = ["juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count"]
    read = pl.read_csv(folder / FILES["compas"], infer_schema_length=None)
    return read.select("sex", "age", "race", *counts, "c_charge_degree", target="two_year_recid")


def _electricity(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / FILES["electricity"]).rename({"class": "target"})


def _particles(folder: Path) -> pl.DataFrame:
    read = pl.read_csv(folder / FILES["particles"], separator="\t", has_header=False)
    return read.rename({read.columns[0]: "target"}).with_columns(pl.col("target").cast(pl.Int64))


def _wine(folder: Path) -> pl.DataFrame:
    read = pl.read_csv(folder / FILES["wine"], has_header=False)
    return read.rename({read.columns[-1]: "target"})


def _digits(folder: Path) -> pl.DataFrame:  # noqa: ARG001 - scikit-learn ships them: no folder
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    return pl.DataFrame(images, schema=[f"pixel_{at}" for at in range(images.shape[1])]).with_columns(target=digits)


FILES = {
    "titanic": "titanic_kaggle/train.csv",
    "compas": "compas/compas-scores-two-years.csv",
    "electricity": "electricity/elec.csv",
    "particles": "lightgbm_examples/binary.train",
    "wine": "wine_quality/winequality-white.csv",
}
DATA_SETS = {
    data.name: data
    for data in (
        DataSet("titanic", "classification", "roc_auc", _titanic, FILES["titanic"]),
        DataSet("compas", "classification", "roc_auc", _compas, FILES["compas"]),
        DataSet("electricity", "classification", "log_loss", _electricity, FILES["electricity"]),
        DataSet("particles", "classification", "roc_auc", _particles, FILES["particles"]),
        DataSet("wine", "regression", "rmse", _wine, FILES["wine"]),
        DataSet("digits", "classification", "log_loss", _digits),
    )
}
