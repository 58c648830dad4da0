"""Real tables, against what their publishers say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_tables import kinds, spec_of

from mlrun.dataset import load
from mlrun.records import Dataset

SHARED = Path(__file__).parents[2] / "shared" / "data"


REAL = pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not there")


def real(folder: Path, path: str, **said: Any) -> Dataset:
    sections = {name: said.pop(name) for name in ("task", "split") if name in said}
    return load(spec_of(folder, {"source": "csv", "path": str(SHARED / path), **said}, **sections))


@REAL
def test_titanic(tmp_path: Path) -> None:
    dataset = real(tmp_path, "titanic_kaggle/train.csv", target="Survived", id="PassengerId")
    assert kinds(dataset) == {
        "Pclass": "numeric",
        "Sex": "category",
        "Age": "numeric",
        "SibSp": "numeric",
        "Parch": "numeric",
        "Fare": "numeric",
        "Embarked": "category",
    }
    missing = {column.name: column.missing for column in dataset.features}
    assert (missing["Age"], missing["Embarked"]) == (177, 2)  # as the data's page on Kaggle says
    assert dataset.truth is not None
    assert int(dataset.truth.sum()) == 342
    assert {"Name", "Ticket", "Cabin"} <= set(dict(dataset.withheld))


@REAL
def test_sms(tmp_path: Path) -> None:
    dataset = real(
        tmp_path,
        "sms_spam/sms.tsv",
        header=False,
        columns=["label", "message"],
        separator="\t",
        quote=None,
        target="label",
        positive="spam",
    )
    assert kinds(dataset) == {"message": "text"}
    assert dataset.table.height == 5574  # the collection's own readme: 5,574 messages, 747 spam
    assert dataset.truth is not None
    assert int(dataset.truth.sum()) == 747


@REAL
def test_compas(tmp_path: Path) -> None:
    dataset = real(tmp_path, "compas/compas-scores-two-years.csv", target="two_year_recid", sensitive=["race", "sex"])
    high, truth = dataset.table["decile_score"].to_numpy() >= 5, dataset.truth
    assert truth is not None
    table = [int(((truth == t) & (high == h)).sum()) for t, h in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert table == [2681, 1282, 1216, 2035]  # ProPublica's table
    assert kinds(dataset)["c_jail_in"] == "date"
    assert dict(dataset.withheld)["race"] == "sensitive"


@REAL
def test_mammography(tmp_path: Path) -> None:
    dataset = real(tmp_path, "mammography/mammography.csv", header=False, quote="'", target="column_7")
    assert dataset.task.labels == (-1, 1)
    assert dataset.truth is not None
    assert (len(dataset.truth), int(dataset.truth.sum())) == (11183, 260)  # mammography.names: 260 positive


@REAL
def test_shuttle(tmp_path: Path) -> None:
    dataset = real(tmp_path, "shuttle/shuttle.csv.gz", target="anomaly", task="anomaly")
    assert dataset.table.shape == (49097, 10)
    assert dataset.truth is not None
    assert dataset.truth.mean() == pytest.approx(0.0715, abs=1e-4)  # 7.15 % in ODDS


@REAL
def test_electricity_and_wine(tmp_path: Path) -> None:
    electricity = real(tmp_path, "electricity/elec.csv", target="class")
    assert electricity.table.height == 45312
    assert electricity.task.labels == (0, 1)
    wine = real(tmp_path, "wine_quality/winequality-red.csv", header=False, target="column_12", task="regression")
    assert wine.truth is not None
    assert wine.truth.mean() == pytest.approx(5.636, abs=1e-3)  # Cortez 2009, by way of winequality.names' data


@REAL
def test_higgs_with_a_test_file_of_its_own(tmp_path: Path) -> None:
    folder = "lightgbm_examples/binary."
    dataset = real(
        tmp_path,
        f"{folder}train",
        header=False,
        separator="\t",
        target="column_1",
        split={"test": {"path": str(SHARED / f"{folder}test")}},
    )
    assert (dataset.test_start, dataset.table.height) == (7000, 7500)
