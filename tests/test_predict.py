"""New rows through a stored champion: as in the run, bit for bit, or one sentence that says what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from in_process import run, write_spec
from numpy.testing import assert_array_equal

from mlrun.errors import DataError, UsageError
from mlrun.predict import predict, predict_table, recoded, table_of
from mlrun.records import Prediction, Task

ROWS = 160
OWN_FAMILY = '''
class Middle:
    """Says the mean of what it saw."""

    def fit(self, rows, truth):
        self.mean_ = float(truth.mean())
        return self

    def predict(self, rows):
        return [self.mean_] * rows.shape[0]


def build(params, seed):
    return Middle()
'''


def rows(count: int = ROWS) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    hues = rng.choice(["red", "green", "blue"], count)
    return pl.DataFrame(
        {
            "person": [f"p{number}" for number in range(count)],
            "size": rng.normal(size=count),
            "hue": [None if number % 11 == 0 else str(hue) for number, hue in enumerate(hues)],
            "note": [f"{hue} is a colour of word{number} here" for number, hue in enumerate(hues)],
            "y": ["=yes" if hue == "red" or number % 9 == 0 else "no" for number, hue in enumerate(hues)],
        }
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train two models on words, categories and numbers."""
    folder = tmp_path_factory.mktemp("trained")
    rows().write_csv(folder / "rows.csv")
    spec = """
experiment: words
data: {source: csv, path: rows.csv, target: y, positive: =yes, id: person, text: [note]}
split: {folds: 3}
models:
  logistic_regression: {C: 1}
  boosted: {family: xgboost, n_estimators: 5, prepare: {category: {encode: native, rare: 1}}}
  vote: {family: voting, voting: soft, members: [logistic_regression, boosted]}
baselines: [zero_rule]
"""
    found = run(write_spec(folder, spec)).folder
    assert found is not None
    return found


def said(trained: Path, table: pl.DataFrame, folder: Path, output: str = "out.parquet", **options: str) -> pl.DataFrame:
    table.write_csv(folder / "new.csv")
    predict(str(trained), str(folder / "new.csv"), str(folder / output), options.get("model"), (), None)
    return pl.read_parquet(folder / output)


@pytest.mark.parametrize("model", ["logistic_regression", "boosted", "vote"])
def test_a_stored_champion_says_of_the_test_rows_what_it_said_in_the_run(
    trained: Path, model: str, tmp_path: Path
) -> None:
    kept = pl.read_parquet(trained / "predictions" / f"{model}.parquet").filter(pl.col("part") == "test").sort("row")
    again = said(trained, rows(), tmp_path, model=model).filter(pl.col("row").is_in(kept["row"].implode())).sort("row")
    assert kept["prediction"].equals(again["prediction"])
    assert_array_equal(kept["p_1"].to_numpy(), again["p_=yes"].to_numpy())  # bit for bit


def test_the_runs_best_model_is_asked_and_rows_are_named_by_their_id(trained: Path, tmp_path: Path) -> None:
    found = said(trained, rows(5), tmp_path)
    assert found.columns == ["row", "prediction", "p_no", "p_=yes"]
    assert found["row"].to_list() == ["p0", "p1", "p2", "p3", "p4"]
    best = json.loads((trained / "run.json").read_bytes())["best"]
    assert found.equals(said(trained, rows(5), tmp_path, model=best))


def test_categories_words_and_gaps_never_seen_are_predicted(trained: Path, tmp_path: Path) -> None:
    new = pl.DataFrame(
        {"note": ["unheard", None], "person": ["a", "b"], "size": [None, 1.5], "more": [1, 2], "hue": ["violet", None]}
    )
    for model in ("logistic_regression", "boosted", "vote"):
        assert said(trained, new, tmp_path, model=model)["p_no"].is_between(0, 1).all()


def test_tables_come_and_go_in_every_format(trained: Path, tmp_path: Path) -> None:
    expected = said(trained, rows(6), tmp_path)
    rows(6).write_parquet(tmp_path / "new.parquet")
    for output in ("out.json", "out.csv"):
        predict(str(trained), str(tmp_path / "new.parquet"), str(tmp_path / output), None, (), None)
    assert pl.read_json(tmp_path / "out.json").equals(expected)
    written = pl.read_csv(tmp_path / "out.csv")
    assert_array_equal(written["p_no"].to_numpy(), expected["p_no"].to_numpy())
    # a spreadsheet would run a cell that begins with =
    assert written["prediction"].to_list() == [word.replace("=", "'=") for word in expected["prediction"]]


def test_probabilities_are_named_as_the_predictions_are_written() -> None:
    prediction = Prediction(np.array([1]), np.array([[0.2, 0.8]]))
    table = table_of(pl.Series([7]), prediction, Task("classification", (False, True)))
    assert table.columns == ["row", "prediction", "p_false", "p_true"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda table: table.rename({"size": "sizes"}), "column 'size' is missing; did you mean 'sizes'?"),
        (lambda table: table.drop("person"), "column 'person' is missing"),
        (lambda table: table.with_columns(size=pl.lit("big")), "row 1, column 'size': the value is not a number"),
        (lambda table: table.head(0), "has a header and no rows"),
    ],
)
def test_what_is_wrong_with_new_rows_is_a_sentence(trained: Path, tmp_path: Path, change: object, told: str) -> None:
    with pytest.raises(DataError) as error:
        said(trained, change(rows(8)), tmp_path)  # type: ignore[operator]
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_names_that_lead_nowhere_are_sentences(trained: Path, tmp_path: Path) -> None:
    rows(3).write_csv(tmp_path / "new.csv")
    for data, output, model, told in (
        ("new.csv", "out.xls", None, r"ends in \.csv, \.parquet or \.json"),
        ("new.csv", "gone/out.csv", None, "there is no folder"),
        ("new.xls", "out.csv", None, "the name of a table ends in one of"),
        ("gone.csv", "out.csv", None, "there is no such file"),
        ("new.csv", "out.csv", "boost", "did you mean 'boosted'"),
        ("new.csv", "new.csv", None, "would replace the rows that they are made of"),
        ("new.db", "out.csv", None, "has no query for one"),
    ):
        with pytest.raises(UsageError, match=told):
            predict(str(trained), str(tmp_path / data), str(tmp_path / output), model, (), None)


def test_an_earlier_run_answers_in_the_codes_of_this_one(trained: Path) -> None:
    # there 'no' is code 0 and the positive '=yes' code 1; here it is the other way round
    table = rows()
    here = predict_table(trained, table, Task("classification", ("=yes", "no")))
    there = predict_table(trained, table, Task("classification", ("no", "=yes")))
    assert_array_equal(here.values, 1 - there.values)
    assert here.probabilities is not None
    assert there.probabilities is not None
    assert_array_equal(here.probabilities, there.probabilities[:, ::-1])
    with pytest.raises(DataError, match="its task is another"):
        predict_table(trained, table, Task("classification", ("a", "b")))


def test_three_classes_in_another_order_keep_their_columns() -> None:
    values, chances = np.array([0, 1, 2]), np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
    found = recoded(Prediction(values, chances, chances * 2), ("a", "b", "c"), ("c", "a", "b"))
    assert_array_equal(found.values, [1, 2, 0])
    assert_array_equal(found.probabilities[0], [0.1, 0.7, 0.2])  # type: ignore[index]
    assert_array_equal(found.scores[0], [0.2, 1.4, 0.4])  # type: ignore[index]


def test_a_users_own_family_is_loaded_only_when_it_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "own_middle.py").write_text(OWN_FAMILY)
    rows().with_columns(y=pl.col("size") * 2 + 10).drop("person", "note", "hue").write_csv(tmp_path / "rows.csv")
    spec = """
experiment: own
data: {source: csv, path: rows.csv, target: y}
split: {folds: 2}
models: {middle: {family: "own_middle:build"}}
"""
    done = run(write_spec(tmp_path, spec))
    assert done.folder is not None
    output = tmp_path / "out.parquet"
    with pytest.raises(DataError, match="--trust own_middle"):
        predict(str(done.folder), str(tmp_path / "rows.csv"), str(output), None, (), None)
    predict(str(done.folder), str(tmp_path / "rows.csv"), str(output), None, ("own_middle",), None)
    assert pl.read_parquet(output)["prediction"].n_unique() == 1
