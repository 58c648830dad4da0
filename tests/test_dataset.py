"""From a spec's `data` to roles and rows; and every refusal in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from made_tables import kinds, loaded, made, refused, spec_of
from numpy.testing import assert_array_equal

from mlrun.dataset import load
from mlrun.errors import SpecError

# -- roles ------------------------------------------------------------------------------------------------------------


def test_columns_with_a_role_are_withheld_with_the_reason(tmp_path: Path) -> None:
    table = made(
        who=range(100, 160),
        house=[f"h{row % 7}" for row in range(60)],
        day=[f"2024-01-{1 + row % 28:02}" for row in range(60)],
        w=[0.5, 2.0] * 30,
        sex=["f", "m", "m"] * 20,
        expert=[0, 1, 1] * 20,
        old=[3, 4, 5] * 20,
        part=[0, 1, 2] * 20,
        gone=[1, 2, 3] * 20,
    )
    dataset = loaded(
        tmp_path,
        table,
        id="who",
        time="day",
        weight="w",
        sensitive=["sex"],
        drop=["gone"],
        baselines=[{"human": {"column": "expert"}}, {"existing": {"name": "before", "column": "old", "is": "score"}}],
    )
    assert dict(dataset.withheld) == {
        "y": "target",
        "who": "id",
        "day": "time",
        "w": "weight",
        "sex": "sensitive",
        "expert": "baseline human",
        "old": "baseline before",
        "gone": "dropped",
    }
    assert set(kinds(dataset)) == {"x", "house", "part"}
    assert_array_equal(dataset.row_ids, np.arange(100, 160))
    assert dataset.times is not None
    assert str(dataset.times[1]) == "2024-01-02T00:00:00.000000"
    assert_array_equal(dataset.weights, [0.5, 2.0] * 30)
    grouped = loaded(tmp_path, table, group="house", sensitive={"columns": ["sex"], "withhold": False})
    assert_array_equal(grouped.groups, np.arange(60) % 7)
    assert "sex" in kinds(grouped)
    folded = loaded(tmp_path, table, split={"folds": {"column": "part"}})
    assert dict(folded.withheld)["part"] == "folds"


def test_features_are_those_listed(tmp_path: Path) -> None:
    table = made(key=[f"K{row}" for row in range(60)], day=["2024-01-01", "2024-01-02"] * 30, other=[1, 2] * 30)
    dataset = loaded(tmp_path, table, features=["x", "key", "day"], time="day")
    assert kinds(dataset) == {"x": "numeric", "key": "category", "day": "date"}  # asked for, so neither is left out
    assert dict(dataset.withheld)["other"] == "not listed in features"


def test_every_name_that_is_no_column_is_told_at_once(tmp_path: Path) -> None:
    told = refused(
        tmp_path,
        made(age=range(60)),
        target="Y",
        drop=["agee"],
        sensitive=["sexx"],
        where="agge > 3",
        baselines=[{"human": {"column": "expert"}}, {"rule": {"when": "AVG(x) > x", "predict": 1}}],
    )
    for name in (
        "'Y'",
        "'agee' is not a column of the data; did you mean 'age'?",
        "'sexx'",
        "'agge'",
        "'expert'",
        "AVG",
    ):
        assert name in told
    assert told.count("spec.yaml:1:") == 6


def test_a_rule_that_does_not_fit_its_columns_is_told_before_anything_is_fitted(tmp_path: Path) -> None:
    told = refused(tmp_path, made(), baselines=[{"rule": {"when": "x = 'high'", "predict": 1}}])
    assert "cannot be evaluated on these columns (x: Float64)" in told


def test_without_a_target_the_columns_are_shown(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(made().write_csv())
    with pytest.raises(SpecError, match=r"does not say which column is the target\. Say .*The columns: x, y\."):
        load(spec_of(tmp_path, {"source": "csv", "path": "rows.csv"}))


def test_nothing_left_to_learn_from_is_a_sentence(tmp_path: Path) -> None:
    assert "no column is left" in refused(tmp_path, made().drop("x").with_columns(c=pl.lit(1)))


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "said", "expected"),
    [
        (
            {"who": [1, 2, 1, 4] * 15},
            {"id": "who"},
            "`id: who` must be unique, but rows 1, 3, 5, 7, ... have the same value",
        ),
        (
            {"who": [None, *range(59)]},
            {"id": "who"},
            "'who' names the rows, but is missing in 1 of 60 rows (row 1)",
        ),
        (
            {"g": ["a", None] * 30},
            {"group": "g"},
            "'g' groups the rows, but is missing in 30 of 60 rows (rows 2, 4, 6, ...)",
        ),
        ({"t": [1, None] * 30}, {"time": "t"}, "'t' orders the rows in time, but is missing"),
        ({"t": ["2024-01-01", "May 2"] * 30}, {"time": "t"}, "row 2, column 't': time must be a number or an ISO date"),
        ({"w": [1, -1] * 30}, {"weight": "w"}, "row 2: `weight: w` is negative"),
        ({"w": [1.0, None] * 30}, {"weight": "w"}, "'w' weighs the rows, but is missing"),
        ({"w": ["a", "b"] * 30}, {"weight": "w"}, "must hold numbers"),
        ({"w": [0] * 60}, {"weight": "w"}, "zero for every row"),
    ],
    ids=str,
)
def test_values_that_say_something_of_rows_must_be_there(
    tmp_path: Path, column: dict[str, Any], said: dict[str, Any], expected: str
) -> None:
    told = refused(tmp_path, made(**column), **said)
    assert expected in told
    assert "May 2" not in told


def test_where_and_limit_choose_rows_and_keep_their_positions(tmp_path: Path) -> None:
    table = made(n=range(60))
    assert_array_equal(loaded(tmp_path, table, where="n >= 10 AND n % 2 = y", limit=5).row_ids, range(10, 15))
    assert loaded(tmp_path, table, where="n < 10").table.height == 10
    assert "holds for none of the 60 rows" in refused(tmp_path, table, where="n > 100")


def test_a_sample_is_seeded_and_in_order_and_the_last_rows_in_time(tmp_path: Path) -> None:
    table = made(n=range(60, 0, -1))
    first = loaded(tmp_path, table, sample=20, seed=1)
    again = loaded(tmp_path, table, sample=20, seed=1)
    other = loaded(tmp_path, table, sample=20, seed=2)
    assert_array_equal(first.row_ids, again.row_ids)
    assert_array_equal(first.row_ids, np.sort(first.row_ids))
    assert first.row_ids.tolist() != other.row_ids.tolist()
    assert_array_equal(loaded(tmp_path, table, sample=20, time="n").row_ids, range(20))


def test_a_bundled_table_needs_no_target(tmp_path: Path) -> None:
    dataset = load(spec_of(tmp_path, {"source": "sklearn", "name": "breast_cancer"}))
    assert dataset.task.labels == ("benign", "malignant")
    assert len(dataset.features) == 30
    assert load(spec_of(tmp_path, {"source": "sklearn", "name": "diabetes"})).task.kind == "regression"


def test_a_secret_in_the_environment_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILE_OF_MINE", "rows")
    dataset = loaded(tmp_path, made(), path="${ENV:FILE_OF_MINE}.csv")
    assert dataset.source["params"] == {"path": "${ENV:FILE_OF_MINE}.csv"}
    assert dataset.source["files"] == (str(tmp_path / "rows.csv"),)


def test_the_one_line_says_features_by_kind_and_who_is_withheld_why(tmp_path: Path) -> None:
    dataset = loaded(tmp_path, made(a=[1, 2] * 30, b=["u", "v"] * 30, c=[3, 4] * 30), drop=["c"], sensitive=["b"])
    line = "features: 2 (2 numeric); withheld: y (target); b (sensitive); c (dropped)"
    assert line in dataset.notes


def test_gaps_in_the_test_file_name_that_file(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("x,y\n1,0\n2,\n")
    told = refused(tmp_path, made(), split={"test": {"path": "test.csv"}})
    assert "test.csv: column 'y' is the target, but is missing in 1 of 2 rows (row 2)" in told


def test_a_source_that_knows_its_target_withholds_it_from_anomaly_detection_too(tmp_path: Path) -> None:
    dataset = load(spec_of(tmp_path, {"source": "sklearn", "name": "breast_cancer"}, task="anomaly"))
    assert dataset.task.labels == ("benign", "malignant")  # the rarer one is the anomaly
    unlabelled = load(spec_of(tmp_path, {"source": "sklearn", "name": "iris", "drop": ["target"]}, task="anomaly"))
    assert unlabelled.truth is None
    assert "target" not in kinds(unlabelled)
