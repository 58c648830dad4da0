"""An earlier run's champion predicts rows of today: not one of those that it was trained on, or why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from in_process import run, write_spec
from numpy.testing import assert_array_equal
from sklearn.metrics import roc_auc_score

from mlrun.compare import compare, exit_code
from mlrun.dataset import load
from mlrun.earlier import predict_earlier
from mlrun.predict import predict_table
from mlrun.records import Dataset
from mlrun.spec import load as load_spec
from mlrun.splits import split
from mlrun.training_rows import read_training_rows, were_trained_on, write_training_rows

ROWS = 240
SPEC = """
experiment: nightly
data: {source: csv, path: rows.csv, target: y, positive: "yes"%s}
split: {folds: 3, test: 0.25%s}
models: {logistic_regression: {C: 1}, gaussian_nb: {}}
evaluation: none
%s
"""


def rows(count: int = ROWS, first: int = 0) -> pl.DataFrame:
    """Return rows of mixed types, each made from its number, so that equal numbers give equal rows."""
    numbers = np.arange(first, first + count)
    sizes = np.array([np.random.default_rng(number).normal() for number in numbers])
    return pl.DataFrame(
        {
            "person": [f"p{number}" for number in numbers],
            "size": sizes,
            "hue": [None if number % 11 == 0 else ("red", "green")[number % 2] for number in numbers],
            "day": [f"2026-01-{number % 28 + 1:02}" for number in numbers],
            "y": ["yes" if size + np.sin(number) > 0 else "no" for size, number in zip(sizes, numbers, strict=True)],
        }
    )


def train(folder: Path, table: pl.DataFrame, data: str = "", parts: str = "", more: str = "") -> tuple[Path, Dataset]:
    """Train a run on a table; return its folder, and the table as a dataset."""
    folder.mkdir(parents=True, exist_ok=True)
    table.write_csv(folder / "rows.csv")
    spec = write_spec(folder, SPEC % (data, parts, more))
    made = run(spec).folder
    assert made is not None
    return made, load(load_spec(spec))


@pytest.fixture(scope="module")
def by_id(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    return train(tmp_path_factory.mktemp("by_id"), rows(), ", id: person")


@pytest.fixture(scope="module")
def by_digest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    return train(tmp_path_factory.mktemp("by_digest"), rows(), ", drop: [person]")


def today(folder: Path, table: pl.DataFrame, data: str) -> Dataset:
    table.write_csv(folder / "rows.csv")
    return load(load_spec(write_spec(folder, SPEC % (data, "", ""))))


@pytest.mark.parametrize("which", ["by_id", "by_digest"])
def test_exactly_the_training_rows_are_left_out(which: str, request: pytest.FixtureRequest) -> None:
    folder, dataset = request.getfixturevalue(which)
    parts = split(dataset, load_spec(folder.parents[2] / "spec.yaml"))
    found = predict_earlier(folder, dataset, np.arange(ROWS), min_rows=10)
    assert_array_equal(found.kept_rows, parts.test)
    assert (found.reason, found.left_out, found.run) == ("", len(parts.train), "nightly@1")
    assert found.prediction is not None
    expected = predict_table(folder, dataset.table[parts.test], dataset.task)
    assert_array_equal(found.prediction.values, expected.values)


@pytest.mark.parametrize(("which", "data"), [("by_id", ", id: person"), ("by_digest", ", drop: [person]")])
def test_rows_of_the_next_night_are_predicted_without_those_of_the_last(
    which: str, data: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The file has grown by 150 rows, is shuffled, and has a column more, between the others."""
    folder, before = request.getfixturevalue(which)
    grown = rows(ROWS + 150).sample(fraction=1.0, shuffle=True, seed=3)
    grown.insert_column(1, pl.Series("noise", np.arange(grown.height)))
    dataset = today(tmp_path, grown, data)
    found = predict_earlier(folder, dataset, np.arange(dataset.table.height))
    seen = set(before.table["person"].gather(split(before, load_spec(folder.parents[2] / "spec.yaml")).train))
    kept = set(dataset.table["person"].gather(found.kept_rows))
    assert kept == set(grown["person"]) - seen


def test_too_few_rows_are_a_reason(by_id: tuple[Path, Dataset]) -> None:
    found = predict_earlier(*by_id, np.arange(ROWS))
    assert found.prediction is None
    assert found.reason == "60 rows that nightly@1 was not trained on (180 rows left out), 100 are needed"


def test_a_champion_refitted_on_all_rows_has_seen_the_test_rows_too(tmp_path: Path) -> None:
    folder, dataset = train(tmp_path, rows(), ", id: person", more="final: {refit_on: all}")
    found = predict_earlier(folder, dataset, np.arange(ROWS), min_rows=1)
    assert found.reason == "0 rows that nightly@1 was not trained on (240 rows left out), 1 are needed"


def test_another_model_of_the_run_can_be_asked(by_id: tuple[Path, Dataset]) -> None:
    for name in ("gaussian_nb", "logistic_regression"):
        assert predict_earlier(*by_id, np.arange(ROWS), min_rows=1, model=name).model == name
    unknown = predict_earlier(*by_id, np.arange(ROWS), min_rows=1, model="gaussian_mb")
    assert "has no stored model 'gaussian_mb'" in unknown.reason


def test_labels_in_another_order_are_the_same_classes(by_id: tuple[Path, Dataset], tmp_path: Path) -> None:
    turned = today(tmp_path, rows(), ", id: person".replace("}", "")).task
    other = load(load_spec(write_spec(tmp_path, (SPEC % (", id: person", "", "")).replace('"yes"', '"no"'))))
    assert other.task.labels == tuple(reversed(turned.labels))
    one = predict_earlier(*by_id, np.arange(ROWS), min_rows=1)
    back = predict_earlier(by_id[0], other, np.arange(ROWS), min_rows=1)
    assert one.prediction is not None
    assert back.prediction is not None
    assert_array_equal(one.prediction.values, 1 - back.prediction.values)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda table: table.drop("size"), "column 'size' is missing"),
        (lambda table: table.with_columns(size=pl.lit("large")), "column 'size': the value is not a number"),
        (lambda table: table.with_columns(y=pl.Series(["a", "b"] * (ROWS // 2))), "its task is another"),
        (lambda table: table.with_columns(y=pl.col("size")), "its task is another"),
    ],
)
def test_rows_that_it_cannot_read_are_a_reason(
    by_id: tuple[Path, Dataset], tmp_path: Path, change: object, reason: str
) -> None:
    assert callable(change)
    (tmp_path / "runs").mkdir()
    change(rows()).write_csv(tmp_path / "rows.csv")
    text = (SPEC % (", id: person", "", "")).replace(', positive: "yes"', "")
    (tmp_path / "spec.yaml").write_text(text)
    dataset = load(load_spec(tmp_path / "spec.yaml"))
    found = predict_earlier(by_id[0], dataset, np.arange(ROWS), min_rows=1)
    assert found.prediction is None
    assert reason in found.reason


def test_without_an_id_a_column_that_is_gone_leaves_nothing_to_tell_rows_by(
    by_digest: tuple[Path, Dataset], tmp_path: Path
) -> None:
    dataset = today(tmp_path, rows().drop("person", "day"), "")
    found = predict_earlier(by_digest[0], dataset, np.arange(ROWS), min_rows=1)
    assert found.prediction is None
    assert "without the column 'person' its training rows cannot be told from others" in found.reason


def test_a_run_that_does_not_say_what_it_was_trained_on_is_a_reason(tmp_path: Path) -> None:
    folder, dataset = train(tmp_path, rows())
    for damage in (b"PAR1", None):
        file = folder / "training_rows.parquet"
        file.write_bytes(damage) if damage else file.unlink()
        found = predict_earlier(folder, dataset, np.arange(ROWS), min_rows=1)
        assert "nightly@1 has no readable training_rows.parquet" in found.reason


def test_a_model_that_is_gone_or_damaged_is_a_reason(tmp_path: Path) -> None:
    folder, dataset = train(tmp_path, rows())
    (model,) = (folder / "models").glob("logistic*")
    model.write_bytes(b"no model")
    found = predict_earlier(folder, dataset, np.arange(ROWS), min_rows=1, model="logistic_regression")
    assert "its sha256 is not that of the manifest" in found.reason
    assert predict_earlier(tmp_path, dataset, np.arange(ROWS)).reason


def test_no_value_of_a_row_is_kept_but_its_id(by_id: tuple[Path, Dataset], by_digest: tuple[Path, Dataset]) -> None:
    assert pl.read_parquet(by_id[0] / "training_rows.parquet").columns == ["digest", "id"]
    assert pl.read_parquet(by_digest[0] / "training_rows.parquet").columns == ["digest"]


def test_lists_and_the_like_are_digested_as_they_were(tmp_path: Path, by_digest: tuple[Path, Dataset]) -> None:
    from dataclasses import replace

    from mlrun.origin.digests import data_digests

    table = by_digest[1].table.with_columns(tags=pl.Series([["a"], ["b"]] * (ROWS // 2)))
    dataset, seen = replace(by_digest[1], table=table), np.arange(0, ROWS, 3)
    write_training_rows(tmp_path, dataset, data_digests(table).rows, seen)
    known = read_training_rows(tmp_path)
    assert known is not None
    assert_array_equal(np.flatnonzero(were_trained_on(known, table)), seen)


# -- compare: other test rows ------------------------------------------------------------------------------------------


def two_nights(folder: Path, data: str = ", id: person") -> tuple[Path, Path]:
    """Return two runs of one spec: on 400 rows, then on those and 400 more, with test rows of its own."""
    one, _ = train(folder, rows(400), data)
    two, _ = train(folder, rows(800), data)
    return one, two


@pytest.mark.parametrize("data", [", id: person", ", drop: [person]"])
def test_compare_lets_the_earlier_champion_predict_the_later_rows(tmp_path: Path, data: str) -> None:
    one, two = two_nights(tmp_path, data)
    (found,) = compare([one, two]).pairs[0].findings
    assert (found.part, found.best) == ("later", True)
    dataset = load(load_spec(tmp_path / "spec.yaml"))
    test = split(dataset, load_spec(tmp_path / "spec.yaml")).test
    said = predict_earlier(one, dataset, test)
    assert said.prediction is not None
    assert found.rows == len(said.kept_rows)
    assert dataset.truth is not None
    truth = dataset.truth[said.kept_rows]
    mine = predict_table(two, dataset.table[said.kept_rows], dataset.task)
    assert mine.probabilities is not None
    assert said.prediction.probabilities is not None
    expected = roc_auc_score(truth, mine.probabilities[:, 1]) - roc_auc_score(
        truth, said.prediction.probabilities[:, 1]
    )
    assert found.difference.difference == pytest.approx(expected, abs=1e-12)
    back = compare([two, one])
    assert back.pairs[0].findings[0].difference.difference == pytest.approx(-expected, abs=1e-12)
    assert exit_code(back, fail_on_regression=False) == 0


def test_compare_reads_the_later_rows_from_their_snapshot(tmp_path: Path) -> None:
    one, two = two_nights(tmp_path, ", id: person, snapshot: true")
    before = compare([one, two]).pairs[0].findings[0].difference
    (tmp_path / "rows.csv").unlink()
    assert compare([one, two]).pairs[0].findings[0].difference == before


def test_compare_says_why_where_the_later_rows_are_others_now_or_too_few(tmp_path: Path) -> None:
    one, two = two_nights(tmp_path)
    changed = rows(800).with_columns(size=pl.col("size") + 1)
    changed.write_csv(tmp_path / "rows.csv")
    comparison = compare([one, two])
    assert comparison.pairs[0].obstacle == "other test rows, and the data of nightly@2 has changed since"
    assert exit_code(comparison, fail_on_regression=False) == 3
    (tmp_path / "rows.csv").unlink()
    assert "the data of nightly@2 cannot be loaded again" in compare([one, two]).pairs[0].obstacle
    rows(800).write_csv(tmp_path / "rows.csv")
    (one / "training_rows.parquet").unlink()
    assert "nightly@1 has no readable training_rows.parquet" in compare([one, two]).pairs[0].obstacle


def test_compare_of_the_same_rows_asks_no_model(tmp_path: Path) -> None:
    one, _ = train(tmp_path, rows(400), ", id: person")
    two, _ = train(tmp_path, rows(400), ", id: person", more="search: {strategy: random, budget: {trials: 1}}")
    for folder in (one, two):
        for model in (folder / "models").iterdir():
            model.unlink()
    assert {finding.part for finding in compare([one, two]).pairs[0].findings} == {"test"}
