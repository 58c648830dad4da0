"""A run's champion as an ONNX file: read by columns' names alone, equal to what the run predicted, or not there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from exported_runs import people, trained
from made_runs import USUAL, make_run, model, record

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from mlrun.errors import DataError, UsageError  # noqa: E402 - after the extras are known to be there
from mlrun.export import export  # noqa: E402
from mlrun.predict import predict  # noqa: E402

OWN_FAMILY = '''
from sklearn.linear_model import LogisticRegression


class Mine(LogisticRegression):
    """One of the user's own."""


def build(params, seed):
    return Mine()
'''


def written(run: Path, target: Path, name: str | None = None, **options: Any) -> tuple[str, ...]:
    chosen: dict[str, Any] = {"trust": (), "force": False, **options}
    return export(str(run), "onnx", str(target), name, chosen["trust"], chosen["force"], None)


@pytest.fixture(scope="module")
def pay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("pay"), evaluation="none", useful=None)


def asked(file: Path, table: pl.DataFrame) -> tuple[list[Any], np.ndarray[Any, Any], Any]:
    """Ask a file about rows as its documentation says; return labels, probabilities, what it says of itself."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    feeds = {}
    for each in session.get_inputs():
        column = table[each.name]
        if each.type == "tensor(string)":
            values: Any = column.fill_null("").to_numpy().astype(object)
        elif each.type == "tensor(int64)":
            empty = np.iinfo(np.int64).min
            values = column.cast(pl.Datetime("us")).dt.timestamp("us").fill_null(int(empty)).to_numpy()
        else:
            values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        feeds[each.name] = values.reshape(-1, 1)
    labels, probabilities = session.run(["prediction", "probabilities"], feeds)
    return labels.tolist(), probabilities, session.get_modelmeta().custom_metadata_map


@pytest.mark.parametrize("name", ["logistic_regression", "hist_gradient_boosting", "calibrated", "cut", "vote"])
def test_the_file_says_of_new_rows_what_predict_says(pay: Path, tmp_path: Path, name: str) -> None:
    told = written(pay, tmp_path / "x.onnx", name)
    assert f"{name} of pay@1" in told[0]
    assert "the run's 48 test rows and 1,000 rows made from them" in told[1]
    assert told[1].endswith("all labels equal")
    people().write_csv(tmp_path / "rows.csv")
    predict(str(pay), str(tmp_path / "rows.csv"), str(tmp_path / "out.parquet"), name, (), None)
    ours = pl.read_parquet(tmp_path / "out.parquet")
    labels, probabilities, facts = asked(tmp_path / "x.onnx", people())
    assert labels == ours["prediction"].to_list()
    order = json.loads(facts["mlrun.labels"])
    np.testing.assert_allclose(probabilities, ours.select([f"p_{label}" for label in order]).to_numpy(), atol=1e-6)
    assert facts["mlrun.run"] == "pay@1"
    assert facts["mlrun.model"] == name
    assert facts["mlrun.data_id"] == json.loads((pay / "run.json").read_bytes())["data_id"]


def test_what_cannot_be_written_is_refused_and_nothing_is_there(pay: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"native of pay@1 is not exported as ONNX: it splits by sets of categories"):
        written(pay, tmp_path / "x.onnx", "native")
    assert not list(tmp_path.iterdir())


def test_text_is_refused_with_its_column(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    table = people().with_columns(said=pl.lit("these are words of ") + pl.col("person"))
    data = {"path": "people.csv", "target": "paid", "id": "person", "text": ["said"], "drop": ["hired"]}
    run = trained(
        tmp_path / "words", table, data=data, models={"logistic_regression": {}}, costs=None, useful=None,
        evaluation="none",
    )  # fmt: skip
    with pytest.raises(UsageError, match="column 'said' is text"):
        written(run, tmp_path / "x.onnx")


def test_a_users_own_family_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_export_family.py").write_text(OWN_FAMILY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    run = trained(
        tmp_path, models={"mine": {"family": "own_export_family:build"}}, costs=None, useful=None, evaluation="none"
    )
    with pytest.raises(DataError, match="--trust own_export_family"):
        written(run, tmp_path / "x.onnx")
    with pytest.raises(UsageError, match="Mine is not among the estimators"):
        written(run, tmp_path / "x.onnx", trust=("own_export_family",))


def test_a_run_whose_data_is_gone_is_checked_on_rows_of_its_profile(pay: Path, tmp_path: Path) -> None:
    data = pay.parent.parent.parent / "people.csv"
    content = data.read_bytes()
    data.unlink()
    try:
        told = written(pay, tmp_path / "x.onnx")
    finally:
        data.write_bytes(content)
    assert "1,000 rows made from the run's profile" in told[1]
    assert "its own test rows were not asked" in told[2]
    assert "people.csv" in told[2]


def test_a_run_from_elsewhere_is_asked_in_a_process_of_its_own(pay: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copied"
    shutil.copytree(pay, copy)
    content = json.loads((copy / "run.json").read_bytes())
    content["seal"] = ""
    (copy / "run.json").write_text(json.dumps(content))
    written(copy, tmp_path / "x.onnx", "logistic_regression")
    written(pay, tmp_path / "y.onnx", "logistic_regression")
    assert (tmp_path / "x.onnx").read_bytes() == (tmp_path / "y.onnx").read_bytes()
    (copy / "models" / "logistic_regression.skops").write_bytes(b"forged")
    with pytest.raises(DataError, match="sha256"):
        written(copy, tmp_path / "z.onnx", "logistic_regression")


def test_a_file_is_replaced_only_when_asked(pay: Path, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_text("mine")
    with pytest.raises(UsageError, match="--force replaces it"):
        written(pay, tmp_path / "x.onnx")
    assert (tmp_path / "x.onnx").read_text() == "mine"
    written(pay, tmp_path / "x.onnx", force=True)
    with pytest.raises(UsageError, match="is a folder"):
        written(pay, tmp_path)


@pytest.mark.parametrize("stale", ["contains-verbatim", "contains-identifier"])
def test_a_model_that_holds_erased_rows_is_not_handed_on(stale: str, tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", record((model("xgboost", 0.9, stale=stale), *USUAL[1:])))
    with pytest.raises(UsageError, match="holds rows that were erased"):
        written(run, tmp_path / "x.onnx")


@pytest.mark.parametrize(
    ("task", "target", "models"),
    [
        ("regression", "hours", {"ridge": {}, "xgboost": {"n_estimators": 5}}),
        ("anomaly", None, {"isolation_forest": {}}),
    ],
)
def test_numbers_and_anomalies_are_exported_too(task: str, target: str | None, models: Any, tmp_path: Path) -> None:
    (tmp_path / task).mkdir()
    table = people().drop_nulls("hours") if task == "regression" else people().drop("paid")
    data = {"path": "people.csv", "id": "person", **({"target": target} if target else {})}
    run = trained(
        tmp_path / task, table, task=task, data=data, models=models, metrics=None, costs=None, useful=None,
        evaluation="none",
    )  # fmt: skip
    name = next(iter(models))
    told = written(run, tmp_path / "x.onnx", name)
    assert "of the largest at most" in told[1] or "no difference" in told[1]
