"""The nightly job: new data each day, judged by yesterday's champion on rows that it has not seen; exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_process import write_spec
from sklearn.metrics import roc_auc_score

from mlrun.cli import run as command
from mlrun.predict import predict_table
from mlrun.records import Task
from mlrun.runs import read_run
from mlrun.training_rows import read_training_rows, were_trained_on

DAY = 700
GATES = [{"metric": "roc_auc", "drop_at_most": 0.03, "against": "latest"}]


def day(number: int, strength: float = 2.0) -> pl.DataFrame:
    """Return the rows of one day; strength: how far `a` tells the answer."""
    draw = np.random.default_rng(number)
    a, b = draw.normal(size=DAY), draw.normal(size=DAY)
    y = draw.random(DAY) < 1 / (1 + np.exp(-strength * a))
    ids = np.arange(number * DAY, (number + 1) * DAY)
    return pl.DataFrame({"id": ids, "a": a, "b": b, "y": np.where(y, "yes", "no")})


class Nights:
    """A folder in which the same spec is trained night by night, on rows that somebody else has written."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        self.folder, self.nights = folder, 0
        data = {"path": "rows.csv", "target": "y", "positive": "yes", "id": "id", **sections.pop("data", {})}
        whole = {
            "experiment": "nightly",
            "data": {name: value for name, value in data.items() if value is not None},
            "models": {"logistic_regression": {"C": 1}},
            "split": {"folds": 2},
            "evaluation": "none",
            "gates": GATES,
            **sections,
        }
        self.spec = write_spec(folder, json.dumps(whole))

    def train(self, rows: pl.DataFrame, *more: str) -> int:
        """Write the rows of tonight and train; return the exit code."""
        rows.write_csv(self.folder / "rows.csv")
        self.nights += 1
        return command(["train", str(self.spec), "--quiet", "--executor", "serial", *more])

    def run_folder(self, night: int) -> Path:
        return self.folder / "runs" / "nightly" / f"{night:04d}"

    def gate(self, night: int) -> tuple[str, str]:
        (gate,) = read_run(self.run_folder(night)).gates
        return gate.status, gate.reason


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


@pytest.fixture(autouse=True)
def _quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    capsys.readouterr()


def test_night_after_night_each_is_judged_by_the_one_before(nights: Nights) -> None:
    whole = day(1)
    assert nights.train(whole) == 0
    assert nights.gate(1)[0] == "not_run"
    for number in (2, 3):
        whole = pl.concat([whole, day(number)])
        assert nights.train(whole) == 0
        status, reason = nights.gate(number)
        assert status == "pass"
        assert f" over nightly@{number - 1} on " in reason
        assert read_run(nights.run_folder(number)).references == {"nightly@latest": f"nightly@{number - 1}"}


def test_the_lead_is_that_of_both_champions_on_rows_that_neither_was_trained_on(nights: Nights) -> None:
    nights.train(day(1))
    nights.train(pl.concat([day(1), day(2)]))
    status, reason = nights.gate(2)
    stored = pl.read_parquet(nights.run_folder(2) / "predictions" / "logistic_regression.parquet")
    test = stored.filter(pl.col("part") == "test")
    known = read_training_rows(nights.run_folder(1))
    assert known is not None
    rows = pl.read_csv(nights.folder / "rows.csv").join(test, left_on="id", right_on="row", maintain_order="right")
    unseen = rows.filter(~pl.Series(were_trained_on(known, rows.select("id", "a", "b", "y"))))
    old = predict_table(nights.run_folder(1), unseen, Task("classification", ("no", "yes")))
    assert old.probabilities is not None
    truth = unseen["y"] == "yes"
    lead = roc_auc_score(truth, unseen["p_1" if "p_1" in unseen.columns else "p_yes"]) - roc_auc_score(
        truth, old.probabilities[:, 1]
    )
    assert 100 <= unseen.height < test.height  # some of its test rows are of the first day, and were trained on then
    assert f"on {unseen.height:,} rows" in reason
    (told,) = re.findall(r"[-+−]?\d+\.\d+(?:e-\d+)?", reason)[:1]
    assert float(told.replace("−", "-")) == pytest.approx(lead, abs=6e-5)
    assert status == "pass"


def test_a_night_on_wrong_labels_is_red_and_the_next_good_one_green(nights: Nights) -> None:
    # a test file of its own keeps judging by sound rows what was trained on wrong ones
    split = {"folds": 2, "test": {"path": "test.csv"}}
    nights = Nights(nights.folder, split=split)
    day(90).write_csv(nights.folder / "test.csv")
    assert nights.train(day(1)) == 0
    day(91).write_csv(nights.folder / "test.csv")
    turned = day(2).with_columns(y=pl.when(pl.col("y") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes")))
    assert nights.train(turned) == 1
    status, reason = nights.gate(2)
    assert status == "fail"
    assert f"on {DAY} rows" in reason
    day(92).write_csv(nights.folder / "test.csv")
    assert nights.train(day(3)) == 0
    assert " over nightly@2 on " in nights.gate(3)[1]


def test_a_world_that_changed_is_no_fault_of_the_model(nights: Nights) -> None:
    """Scores fall from one day to the next, for both champions on the same rows: the gate compares models, not days."""
    nights.train(day(1, strength=4.0))
    assert nights.train(pl.concat([day(1, strength=4.0), day(2, 0.5), day(3, 0.5)])) == 0
    before, after = (read_run(nights.run_folder(night)).models[0].test["roc_auc"].value for night in (1, 2))
    assert before is not None
    assert after is not None
    assert before - after > 0.03
    assert nights.gate(2)[0] == "pass"


def test_the_same_rows_once_more_change_nothing(nights: Nights) -> None:
    nights.train(day(1))
    assert nights.train(day(1)) == 0
    status, reason = nights.gate(2)
    assert status == "pass"
    assert reason.endswith(f" nightly@1 on {round(0.2 * DAY)} rows")
    assert nights.train(day(1), "--if-changed") == 0
    assert not nights.run_folder(3).exists()


def test_where_too_few_rows_are_new_nothing_is_concluded(nights: Nights) -> None:
    nights.train(day(1)[:300])
    assert nights.train(pl.concat([day(1)[:300], day(2)[:40]])) == 3
    status, reason = nights.gate(2)
    assert status == "not_run"
    told = r"not comparable \(\d+ rows that nightly@1 was not trained on \(\d+ rows left out\), 100 are needed\)"
    assert re.search(told, reason), reason


def test_without_ids_whole_rows_tell_what_was_trained_on(tmp_path: Path) -> None:
    nights = Nights(tmp_path, data={"id": None, "drop": ["id"]})
    assert nights.train(day(1)) == 0
    assert nights.train(pl.concat([day(1), day(2)]).sample(fraction=1, shuffle=True, seed=1)) == 0
    status, reason = nights.gate(2)
    assert status == "pass"
    rows = int(reason.rpartition(" on ")[2].split()[0].replace(",", ""))
    assert 100 <= rows < round(0.2 * 2 * DAY)


@pytest.mark.parametrize("damage", ["model", "training rows", "run"])
def test_a_champion_of_yesterday_that_is_gone_is_never_green(nights: Nights, damage: str) -> None:
    nights.train(day(1))
    first = nights.run_folder(1)
    if damage == "model":
        (first / "models" / "logistic_regression.skops").unlink()
    if damage == "training rows":
        (first / "training_rows.parquet").unlink()
    if damage == "run":
        (first / "models" / "logistic_regression.skops").write_bytes(b"nothing of the kind")
    assert nights.train(pl.concat([day(1), day(2)])) == 3
    status, reason = nights.gate(2)
    assert status == "not_run"
    assert "not comparable" in reason


def test_a_column_that_is_new_tonight_does_no_harm_and_one_that_is_gone_is_told(nights: Nights) -> None:
    nights.train(day(1))
    wider = pl.concat([day(1), day(2)]).with_columns(c=pl.col("a").sin())
    assert nights.train(wider) == 0
    assert nights.gate(2)[0] == "pass"
    assert nights.train(pl.concat([day(3), day(4)]).drop("b")) == 3
    assert "'b'" in nights.gate(3)[1] or "'c'" in nights.gate(3)[1]


def test_several_gates_are_one_exit_code(tmp_path: Path) -> None:
    loss = {"metric": "log_loss", "drop_at_most": 0.1, "against": "latest"}
    best = {"metric": "roc_auc", "drop_at_most": 0.1, "against": "best"}
    nights = Nights(tmp_path, gates=[*GATES, loss, best, {"beats": "zero_rule"}])
    assert nights.train(day(1)) == 0
    assert nights.train(pl.concat([day(1), day(2)])) == 0
    assert [gate.status for gate in read_run(nights.run_folder(2)).gates] == ["pass"] * 4
    red = Nights(tmp_path, gates=[*GATES, {"metric": "roc_auc", "at_least": 0.999}])
    assert red.train(pl.concat([day(1), day(2), day(3)])) == 1
