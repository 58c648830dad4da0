"""Each baseline says what a plain computation says; silence is no answer; a label may be written in several ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_tables import spec_of
from numpy.testing import assert_allclose, assert_array_equal

from mlrun import dataset as datasets
from mlrun import metrics, splits
from mlrun.baseline_plan import plan_baselines
from mlrun.baselines import ENTRIES, Answer, Question
from mlrun.errors import DataError, SpecError, UsageError
from mlrun.records import Column, Dataset, Label, Task
from mlrun.spec import BaselineSpec

ROWS = 200
RNG = np.random.default_rng(0)
TRUTH = (RNG.random(ROWS) < 0.3).astype(np.int64)
TRAIN, REST = np.arange(120), np.arange(120, ROWS)
ELECTRICITY = Path(__file__).parents[2] / "shared" / "data" / "electricity" / "elec.csv"


def dataset_of(
    truth: Any = TRUTH,
    labels: tuple[Label, ...] = ("no", "yes"),
    kind: Any = "classification",
    table: pl.DataFrame | None = None,
    **more: Any,
) -> Dataset:
    rows = table if table is not None else pl.DataFrame({"x": np.arange(ROWS, dtype=float)})
    features = tuple(Column(name, "numeric", "Float64") for name, dtype in rows.schema.items() if dtype == pl.Float64)
    task = Task(kind, labels if kind != "regression" else ())
    return Dataset(rows, task, features, (), truth, np.arange(rows.height), **more)


def ask(kind: str, dataset: Dataset, rows: Any = REST, train: Any = TRAIN, folder: str = "", **params: Any) -> Answer:
    return ENTRIES[kind].answer(params, Question(dataset, train, rows, seed=3, folder=folder))


# -- random, zero rule, constant ---------------------------------------------------------------------------------------


def test_random_draws_classes_by_their_frequency_in_train_or_uniformly() -> None:
    rows = np.tile(REST, 200)
    drawn = ask("random", dataset_of(), rows).prediction
    assert drawn.values.mean() == pytest.approx(TRUTH[TRAIN].mean(), abs=0.02)
    assert ask("random", dataset_of(), rows, uniform=True).prediction.values.mean() == pytest.approx(0.5, abs=0.02)


def test_random_labels_are_hard_their_auc_is_that_of_0_and_1() -> None:
    drawn = ask("random", dataset_of()).prediction
    assert drawn.probabilities is None
    assert_array_equal(drawn.scores, drawn.values.astype(float))
    scores = metrics.score(
        [metrics.specify("roc_auc"), metrics.specify("log_loss")], TRUTH[REST], drawn, Task("classification", (0, 1))
    )
    assert scores["log_loss"] is None
    sensitivity = drawn.values[TRUTH[REST] == 1].mean()
    specificity = 1 - drawn.values[TRUTH[REST] == 0].mean()
    assert scores["roc_auc"] == pytest.approx((sensitivity + specificity) / 2)  # one corner: the area of a polygon


def test_hard_labels_of_many_classes_have_an_auc_too() -> None:
    three = dataset_of(np.arange(ROWS) % 3, ("a", "b", "c"))
    right = ask("constant", three, value="b").prediction
    auc = metrics.score([metrics.specify("roc_auc")], three.truth[REST], right, three.task)  # type: ignore[index]
    assert auc["roc_auc"] == 0.5


def test_random_numbers_are_drawn_from_the_training_targets() -> None:
    truth = RNG.normal(size=ROWS)
    drawn = ask("random", dataset_of(truth, kind="regression"))
    assert set(drawn.prediction.values) <= set(truth[TRAIN])


def test_zero_rule_says_the_most_frequent_class_and_the_shares() -> None:
    said = ask("zero_rule", dataset_of()).prediction
    share = TRUTH[TRAIN].mean()
    assert_array_equal(said.values, np.zeros(len(REST)))
    assert_allclose(said.probabilities[0], [1 - share, share])  # type: ignore[index]


def test_zero_rule_says_the_mean_or_the_median_of_a_number() -> None:
    truth = RNG.exponential(size=ROWS)
    numbers = dataset_of(truth, kind="regression")
    assert ask("zero_rule", numbers).prediction.values[0] == truth[TRAIN].mean()
    assert ask("zero_rule", numbers, statistic="median").prediction.values[0] == np.median(truth[TRAIN])
    assert ask("constant", numbers, value="median").prediction.values[0] == np.median(truth[TRAIN])
    assert ask("constant", numbers, value="mean").prediction.values[0] == truth[TRAIN].mean()
    assert ask("constant", numbers, value=7).prediction.values[0] == 7


@pytest.mark.parametrize("written", [1, 1.0, "1", True])
@pytest.mark.parametrize("labels", [(0, 1), ("0", "1"), (False, True), (0.0, 1.0)])
def test_a_label_may_be_written_in_several_ways(written: Label, labels: tuple[Label, ...]) -> None:
    assert_array_equal(ask("constant", dataset_of(labels=labels), value=written).prediction.values, np.ones(len(REST)))


def test_true_and_false_may_be_words() -> None:
    for labels in ((False, True), ("False", "True"), ("false", "true")):
        for written in (True, "true", "True"):
            said = ask("constant", dataset_of(labels=labels), value=written).prediction.values
            assert_array_equal(said, np.ones(len(REST)))


def test_a_value_that_is_no_class_is_told_with_the_classes() -> None:
    with pytest.raises(DataError, match=r"'maybe', which is no class of the target \(known: 'no', 'yes'\)"):
        ask("constant", dataset_of(), value="maybe")
    with pytest.raises(DataError, match="where the target is a number"):
        ask("constant", dataset_of(TRUTH * 1.0, kind="regression"), value="yes")


# -- rules -------------------------------------------------------------------------------------------------------------


def test_a_rule_says_one_class_where_it_holds_and_the_other_elsewhere() -> None:
    table = pl.DataFrame({"x": np.arange(ROWS, dtype=float)}).with_columns(x=pl.when(pl.col("x") != 150).then("x"))
    said = ask("rule", dataset_of(table=table), when="x < 160", predict="no").prediction.values
    assert_array_equal(said, [1 if row == 150 or row >= 160 else 0 for row in REST])  # null does not hold
    said = ask("rule", dataset_of(table=table), when="x < 160").prediction.values
    assert_array_equal(said, [0 if row == 150 or row >= 160 else 1 for row in REST])  # the positive class


def test_a_rule_for_a_number_or_many_classes_must_say_both_sides() -> None:
    three = dataset_of(np.arange(ROWS) % 3, ("a", "b", "c"))
    with pytest.raises(UsageError, match="more than two classes needs `predict` and `otherwise`"):
        ask("rule", three, when="x < 160", predict="a")
    assert set(ask("rule", three, when="x < 160", predict="a", otherwise="c").prediction.values) == {0, 2}
    numbers = dataset_of(TRUTH * 1.0, kind="regression")
    with pytest.raises(UsageError, match="a number needs `predict` and `otherwise`"):
        ask("rule", numbers, when="x < 160", predict=1)
    assert ask("rule", numbers, when="x < 160", predict=1, otherwise=2.5).prediction.values.max() == 2.5


# -- people and earlier solutions --------------------------------------------------------------------------------------


def test_people_are_silent_where_they_gave_no_label() -> None:
    labels = ["yes", None, "no", None] * 50
    said = ask("human", dataset_of(table=pl.DataFrame({"x": [0.0] * ROWS, "expert": labels})), column="expert")
    assert_array_equal(said.answered, [labels[row] is not None for row in REST])
    assert_array_equal(
        said.prediction.values[said.answered], [int(labels[row] == "yes") for row in REST if labels[row]]
    )


@pytest.mark.parametrize("column", [[1, 0] * 100, [1.0, 0.0] * 100, ["1", "0"] * 100, [True, False] * 100])
def test_labels_of_people_may_be_of_another_type_than_the_target(column: list[Any]) -> None:
    said = ask("human", dataset_of(labels=(0, 1), table=pl.DataFrame({"expert": column})), column="expert")
    assert_array_equal(said.prediction.values, [1, 0] * 40)


def test_an_existing_score_ranks_and_its_cut_decides() -> None:
    scores = RNG.integers(1, 11, ROWS).astype(float)
    dataset = dataset_of(table=pl.DataFrame({"decile": scores}))
    said = ask("existing", dataset, column="decile", **{"is": "score"}, at_least=5).prediction
    assert_array_equal(said.values, scores[REST] >= 5)
    assert_array_equal(said.scores, scores[REST])
    assert said.probabilities is None


def test_an_existing_probability_is_one() -> None:
    chances = [*RNG.random(ROWS - 1), None]
    said = ask("existing", dataset_of(table=pl.DataFrame({"p": chances})), column="p", **{"is": "probability"})
    assert_array_equal(said.prediction.probabilities[:-1, 1], chances[120:-1])  # type: ignore[index]
    assert_array_equal(said.answered, [True] * 79 + [False])
    with pytest.raises(DataError, match="outside 0 to 1"):
        ask("existing", dataset_of(table=pl.DataFrame({"p": [2.0] * ROWS})), column="p", **{"is": "probability"})


def test_an_existing_number_is_a_prediction() -> None:
    numbers = RNG.normal(size=ROWS)
    dataset = dataset_of(TRUTH * 1.0, kind="regression", table=pl.DataFrame({"old": numbers}))
    assert_array_equal(ask("existing", dataset, column="old").prediction.values, numbers[REST])
    words = dataset_of(TRUTH * 1.0, kind="regression", table=pl.DataFrame({"old": ["1", "two"] * 100}))
    with pytest.raises(DataError, match="column 'old' must hold numbers for this baseline; row 2 does not"):
        ask("existing", words, column="old")


def test_a_file_of_predictions_is_joined_by_id(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("prediction,row\n" + "".join(f"yes,{row}\n" for row in range(199, 150, -1)))
    said = ask("existing", dataset_of(), folder=str(tmp_path), predictions="old.csv")
    assert_array_equal(said.answered, REST > 150)
    assert said.prediction.values[said.answered].all()
    before = ask("existing", dataset_of(), rows=TRAIN, folder=str(tmp_path), predictions="old.csv")
    assert not before.answered.any()  # a file about test says nothing of the folds, and that is no error


# -- time, anomalies ---------------------------------------------------------------------------------------------------


def test_previous_is_the_target_of_the_last_row_that_is_strictly_earlier() -> None:
    times = np.array([5, 1, 3, 3, 4])
    dataset = dataset_of(np.array([0, 1, 1, 0, 1]), table=pl.DataFrame({"x": [0.0] * 5}), times=times)
    said = ask("previous", dataset, rows=np.arange(5))
    # in order of time: row 1 (1), rows 2 and 3 (3), row 4 (4), row 0 (5)
    assert_array_equal(said.answered, [True, False, True, True, True])
    assert_array_equal(said.prediction.values[said.answered], [1, 1, 1, 0])
    with pytest.raises(UsageError, match=r"needs `data\.time`"):
        ask("previous", dataset_of())


@pytest.mark.skipif(not ELECTRICITY.exists(), reason="the real data is not here")
def test_the_previous_label_of_electricity_is_right_as_often_as_published() -> None:
    table = pl.read_csv(ELECTRICITY)
    truth = table["class"].rank("dense").to_numpy().astype(np.int64) - 1
    dataset = dataset_of(truth, table=table, times=np.arange(table.height))
    said = ask("previous", dataset, rows=np.arange(table.height))
    right = (said.prediction.values == truth)[said.answered].mean()
    assert right == pytest.approx(0.854, abs=0.001)  # Zliobaite 2013; shared/data/README.md


def test_max_z_is_the_largest_distance_from_a_training_mean() -> None:
    numbers = RNG.normal(size=(ROWS, 2)) * [1, 50]
    table = pl.DataFrame({"a": numbers[:, 0], "b": numbers[:, 1], "flat": [1.0] * ROWS})
    table = table.with_columns(empty=pl.lit(None, pl.Float64))
    said = ask("max_z", dataset_of(None, (), "anomaly", table)).prediction
    z = np.abs(numbers - numbers[TRAIN].mean(axis=0)) / numbers[TRAIN].std(axis=0)
    assert_allclose(said.scores, z.max(axis=1)[REST], rtol=1e-12)  # type: ignore[arg-type]
    assert_array_equal(said.values, z.max(axis=1)[REST] > np.quantile(z.max(axis=1)[TRAIN], 0.9))


def test_without_labels_anomalies_are_1_and_0() -> None:
    unlabelled = dataset_of(None, (), "anomaly")
    for value in (1, True, "1", "true"):
        assert ask("constant", unlabelled, value=value).prediction.values.all()
    assert_array_equal(ask("rule", unlabelled, when="x > 150").prediction.values, REST > 150)
    assert set(ask("random", unlabelled).prediction.values) <= {0, 1}


# -- before anything is fitted -----------------------------------------------------------------------------------------


def planned(folder: Path, table: pl.DataFrame, *baselines: Any, **said: Any) -> tuple[BaselineSpec, ...]:
    table.write_csv(folder / "rows.csv")
    data = {"source": "csv", "path": "rows.csv", **said.pop("data", {"target": "y"})}
    spec = spec_of(folder, data, **({"baselines": list(baselines)} if baselines else {}), **said)
    dataset = datasets.load(spec)
    return plan_baselines(spec, dataset, splits.split(dataset, spec))


def table(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"x": np.linspace(0, 1, 60), "y": ["no", "yes", "no"] * 20, **columns})


def test_all_that_baselines_cannot_do_is_told_at_once_with_the_place(tmp_path: Path) -> None:
    expert = ["yes", "perhaps", None] * 20
    with pytest.raises(SpecError) as told:
        planned(
            tmp_path,
            table(expert=expert),
            {"constant": {"value": "maybe"}},
            {"human": {"column": "expert"}},
            {"existing": {"predictions": "gone.csv"}},
            {"max_z": {}},
            {"rule": {"when": "x > 0.5"}},
        )
    problems = [str(problem) for problem in told.value.problems]
    assert len(problems) == 4
    for problem, part in zip(problems, ("'maybe'", "'perhaps'", "gone.csv", "is for anomaly"), strict=True):
        assert part in problem
        assert "spec.yaml:1:" in problem


def test_a_file_without_any_of_the_rows_is_told(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("id,prediction\n1000,yes\n1001,no\n")
    with pytest.raises(SpecError, match="answers none of the 60 rows"):
        planned(tmp_path, table(), {"existing": {"predictions": "old.csv"}})


def test_anomalies_have_baselines_of_their_own(tmp_path: Path) -> None:
    numbers = pl.DataFrame({"x": np.linspace(0, 1, 60), "z": np.linspace(2, 1, 60)})
    found = planned(tmp_path, numbers, task="anomaly", data={})
    assert [baseline.kind for baseline in found] == ["random", "max_z"]
    with pytest.raises(SpecError, match="zero_rule"):
        planned(tmp_path, numbers, "zero_rule", task="anomaly", data={})
