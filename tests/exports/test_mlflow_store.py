"""A run in a real MLflow store: what its own client reads back is what the run says, once, however often it is sent."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exported_runs import trained
from made_runs import USUAL, make_run, model, record

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("sqlalchemy")

from mlrun.errors import StorageError, UsageError  # noqa: E402 - after the extra is known to be there
from mlrun.export import export  # noqa: E402
from mlrun.ledger.address import address_of, told  # noqa: E402
from mlrun.ledger.writing import quiet  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow's own libraries


def send(run: Path, store: str) -> tuple[str, ...]:
    return export(str(run), "mlflow", store, None, (), False, None)


@pytest.fixture(scope="module")
def pay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("pay"), evaluation="none")


@pytest.fixture(scope="module")
def store(pay: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    """Send a run to a store; yield the store's address and MLflow's client."""
    address = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
    send(pay, address)
    with quiet():
        from mlflow.tracking import MlflowClient

        yield address, MlflowClient(tracking_uri=address)


def runs_of(client: Any, name: str = "pay") -> tuple[Any, dict[str, Any]]:
    """Return the run, and those nested in it by their names."""
    experiment = client.get_experiment_by_name(name)
    found = client.search_runs([experiment.experiment_id])
    parents = [each for each in found if "mlflow.parentRunId" not in each.data.tags]
    assert len(parents) == 1
    nested = [each for each in found if each is not parents[0]]
    assert all(each.data.tags["mlflow.parentRunId"] == parents[0].info.run_id for each in nested)
    named = {each.info.run_name: each for each in nested}
    assert len(named) == len(nested)
    return parents[0], named


def test_every_score_of_every_model_and_baseline_is_read_back_exactly(pay: Path, store: tuple[str, Any]) -> None:
    written = json.loads((pay / "run.json").read_bytes())
    _, nested = runs_of(store[1])
    assert set(nested) == {each["name"] for each in written["models"]}
    labels = {"roc_auc": "roc_auc", "log_loss": "log_loss", "precision_at(k=0.1)": "precision_at_k_0.1"}
    compared = 0
    for each in written["models"]:
        metrics = nested[each["name"]].data.metrics
        for label, name in labels.items():
            wanted: dict[str, float | None] = {}
            if label in each["cv"]:
                wanted |= {f"cv/{name}": each["cv"][label]["mean"], f"cv_sd/{name}": each["cv"][label]["sd"]}
            if label in each["test"]:
                test = each["test"][label]
                wanted |= {
                    f"test/{name}": test["value"],
                    f"test_low/{name}": test["low"],
                    f"test_high/{name}": test["high"],
                }
            for key, value in wanted.items():
                compared += value is not None
                assert metrics.get(key) == value, (each["name"], key)
        assert metrics.get("cost/fit_seconds") == each["fit_seconds"]
    assert compared > 60


def test_the_run_itself_shows_its_best_model_and_where_it_is_from(pay: Path, store: tuple[str, Any]) -> None:
    written = json.loads((pay / "run.json").read_bytes())
    parent, nested = runs_of(store[1])
    tags = parent.data.tags
    assert parent.info.run_name == tags["mlrun.run"] == "pay@1"
    assert tags["mlrun.data_id"] == written["data_id"]
    assert tags["mlrun.spec_id"] == written["spec_id"]
    assert tags["mlrun.verdict"] == written["verdict"]["word"]
    assert parent.info.status == "FINISHED"
    assert parent.info.end_time > 0
    best = nested[written["best"]].data.metrics
    assert parent.data.metrics["test/roc_auc"] == best["test/roc_auc"]
    assert [each.dataset.digest for each in parent.inputs.dataset_inputs] == [written["data_id"]]


def test_hyperparameters_folds_and_loss_curves_are_kept(pay: Path, store: tuple[str, Any]) -> None:
    client = store[1]
    written = json.loads((pay / "run.json").read_bytes())
    _, nested = runs_of(client)
    for each in written["models"]:
        expected = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in each["params"].items()
        }
        assert nested[each["name"]].data.params == expected
    boosted = next(each for each in written["models"] if each["name"] == "hist_gradient_boosting")
    identity = nested["hist_gradient_boosting"].info.run_id
    trials = [json.loads(line) for line in (pay / "trials.jsonl").read_text().splitlines()]
    scores = next(trial for trial in trials if trial["id"] == boosted["trial"])["scores"]["roc_auc"]
    history = sorted(client.get_metric_history(identity, "fold/roc_auc"), key=lambda point: point.step)
    assert [point.value for point in history] == scores
    curves = [json.loads(line) for line in (pay / "curves.jsonl").read_text().splitlines()]
    mine = [line for line in curves if line["trial"] == boosted["trial"]]
    assert mine
    for line in mine:
        for name, losses in line["curves"].items():
            history = sorted(
                client.get_metric_history(identity, f"loss/{name}/fold {line['fold']}"), key=lambda point: point.step
            )
            assert [point.value for point in history] == losses


def test_files_are_kept_byte_for_byte(pay: Path, store: tuple[str, Any], tmp_path: Path) -> None:
    client = store[1]
    parent, nested = runs_of(client)
    held = {each.path for each in client.list_artifacts(parent.info.run_id)}
    assert {"spec.yaml", "run.json", "report.md", "findings.jsonl", "trials.jsonl", "predictions"} <= held
    for identity, name, ours in (
        (parent.info.run_id, "run.json", "run.json"),
        (parent.info.run_id, "predictions/cut.parquet", "predictions/cut.parquet"),
        (nested["cut"].info.run_id, "model/cut.skops", "models/cut.skops"),
    ):
        place = client.download_artifacts(identity, name, str(tmp_path))
        assert Path(place).read_bytes() == (pay / ours).read_bytes()


def test_a_run_that_is_sent_again_is_brought_up_to_date_and_not_doubled(pay: Path, store: tuple[str, Any]) -> None:
    address, client = store
    before, _ = runs_of(client)
    points = len(client.get_metric_history(before.info.run_id, "test/roc_auc"))
    (pay / "labels.json").write_text('{"format": 1, "tags": ["golden"], "note": "look here"}')
    assert "brought up to date" in send(pay, address)[0]
    after, nested = runs_of(client)
    assert after.info.run_id == before.info.run_id
    assert len(client.get_metric_history(after.info.run_id, "test/roc_auc")) == points == 1
    assert after.data.tags["mlrun.tags"] == "golden"
    assert after.data.tags["mlrun.note"] == "look here"
    identity = nested["hist_gradient_boosting"].info.run_id
    steps = [point.step for point in client.get_metric_history(identity, "fold/roc_auc")]
    assert sorted(steps) == sorted(set(steps))


def test_two_runs_of_one_name_are_two(tmp_path: Path) -> None:
    """income@1 of one machine is not income@1 of another: when they were started tells them apart."""
    from dataclasses import replace

    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    here = make_run(tmp_path / "here")
    there = make_run(tmp_path / "there", replace(record(USUAL), started="2025-01-02T03:04:05+00:00"))
    for run in (here, there, here):
        send(run, address)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=address)
    found = client.search_runs(
        [client.get_experiment_by_name("income").experiment_id], filter_string="tags.`mlrun.run` = 'income@1'"
    )
    parents = {each.info.run_id for each in found if "mlflow.parentRunId" not in each.data.tags}
    assert len(parents) == 2


def test_odd_values_names_and_lengths_are_taken(tmp_path: Path) -> None:
    from mlrun.records import Interval

    odd = model(
        "xgboost", 0.9,
        params={"a b(c)=d": "x" * 9_000, "nested": {"deep": [1, None]}, "": 1},
        test={"roc_auc": Interval(math.inf), "log_loss": Interval(math.nan, 0.1, None)},
        reason="r" * 9_000,
    )  # fmt: skip
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    send(make_run(tmp_path / "runs", record((odd, *USUAL[1:]))), address)
    from mlflow.tracking import MlflowClient

    _, nested = runs_of(MlflowClient(tracking_uri=address), "income")
    kept = nested["xgboost"].data
    assert kept.params["a b_c_d"] == "x" * 6_000
    assert json.loads(kept.params["nested"]) == {"deep": [1, None]}
    assert "test/roc_auc" not in kept.metrics
    assert kept.metrics["test_low/log_loss"] == 0.1


def test_models_that_hold_erased_rows_stay_behind(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs", record((model("xgboost", 0.9, stale="contains-verbatim"), *USUAL[1:])))
    (run / "models").mkdir()
    (run / "models" / "xgboost.skops").write_bytes(b"rows")
    told_of = send(run, f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert any("left out: models/xgboost.skops" in sentence for sentence in told_of)
    assert not list(tmp_path.glob("mlruns/**/xgboost.skops"))


def test_an_experiment_that_was_deleted_there_is_not_written_behind_its_back(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    run = make_run(tmp_path / "runs")
    send(run, address)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=address)
    client.delete_experiment(client.get_experiment_by_name("income").experiment_id)
    with pytest.raises(UsageError, match="mlflow experiments restore"):
        send(run, address)


def test_a_store_that_cannot_be_reached_is_one_sentence_without_the_password(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs")
    with pytest.raises(StorageError) as caught:
        send(run, "http://me:secret@127.0.0.1:9")
    assert "127.0.0.1:9: MLflow cannot write there" in str(caught.value)
    assert "secret" not in str(caught.value)
    (tmp_path / "broken.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StorageError, match="MLflow cannot write there"):
        send(run, str(tmp_path / "broken.db"))


def test_addresses_are_files_of_databases_or_as_they_are(tmp_path: Path) -> None:
    assert address_of(str(tmp_path / "x.db")) == f"sqlite:///{tmp_path / 'x.db'}"
    assert address_of("http://localhost:5000") == "http://localhost:5000"
    for closed in ("mlruns", "file:///tmp/mlruns"):
        with pytest.raises(UsageError, match="closed its store of files"):
            address_of(closed)
    with pytest.raises(UsageError, match="there is no folder"):
        address_of("sqlite:////no/such/folder/x.db")
    assert told("postgresql://me:secret@host/db and http://you:too@there") == "postgresql://host/db and http://there"


def test_nothing_is_sent_anywhere_but_to_the_store(tmp_path: Path) -> None:
    """MLflow's own telemetry is off before MLflow is imported: in a process of its own no connection is tried."""
    run = make_run(tmp_path / "runs")
    code = (
        "import socket, sys\n"
        "tried = []\n"
        "def refuse(self, address):\n"
        "    tried.append(address)\n"
        "    raise OSError('no network here')\n"
        "socket.socket.connect = socket.socket.connect_ex = refuse\n"
        "from mlrun.cli import run\n"
        "code = run(['export', sys.argv[1], '--to', 'mlflow', '-o', sys.argv[2]])\n"
        "import time; time.sleep(0.5)\n"
        "sys.exit(f'{code} {tried}' if code or tried else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(run), str(tmp_path / "mlflow.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert done.stdout.count("\n") == 1
