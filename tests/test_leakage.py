"""Nothing of a fold's held-out rows reaches what is learned for it, nor what is said of its other held-out rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_process import run, write_spec
from scipy import sparse

from mlrun.fold_data import FoldData, FoldStore
from mlrun.prepare import learn
from mlrun.recipes import Recipe
from mlrun.records import Column, Dataset, Task

ROWS = 120
KINDS = {
    "size": "numeric",
    "gaps": "numeric",
    "flag": "boolean",
    "day": "date",
    "town": "category",
    "words": "text",
}
DEFAULT = Recipe(
    columns=tuple(KINDS.items()),  # type: ignore[arg-type]
    impute="median",
    scale="standard",
    encode="one_hot",
    rare=10,
    text="tfidf",
    ngrams=(1, 1),
    max_terms=None,
    lowercase=True,
    dense=False,
    task="classification",
)
RECIPES = {
    "one_hot": DEFAULT,
    "one_hot, dense, terms bounded": replace(DEFAULT, dense=True, max_terms=20),
    "ordinal": replace(DEFAULT, encode="ordinal", impute="mean", scale="minmax"),
    "target": replace(DEFAULT, encode="target", impute="most_frequent", scale="robust"),
    "native": replace(DEFAULT, encode="native", impute="none", scale="none"),
    "counts": replace(DEFAULT, text="counts", ngrams=(1, 2), impute="zero"),
    "binary": replace(DEFAULT, text="binary", max_terms=15),
    "hashing": replace(DEFAULT, text="hashing", max_terms=64),
}


def table() -> pl.DataFrame:
    draw = np.random.default_rng(5)
    gaps = pl.Series(draw.normal(size=ROWS))
    words = [" ".join(draw.choice([f"word{number}" for number in range(40)], 8)) for _ in range(ROWS)]
    made = pl.DataFrame(
        {
            "size": draw.lognormal(size=ROWS),
            "gaps": gaps,
            "flag": draw.random(ROWS) < 0.5,
            "day": draw.integers(0, 3000, ROWS),
            "town": draw.choice(["here", "there", "far", "rare"], ROWS, p=[0.5, 0.3, 0.17, 0.03]),
            "words": words,
        }
    )
    return made.with_columns(pl.col("day").cast(pl.Date), pl.when(gaps < 1).then("gaps").alias("gaps"))


def spoiled(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of which every value is wild: huge, unheard-of, missing."""
    count = rows.height
    return rows.with_columns(
        size=pl.Series(np.where(np.arange(count) % 2, 1e12, -1e12)),
        gaps=pl.lit(None, dtype=pl.Float64),
        flag=~pl.col("flag"),
        day=pl.lit(900_000).cast(pl.Date),
        town=pl.Series([f"atlantis {number % 3}" for number in range(count)]),
        words=pl.lit("never heard of these terms terms terms word1"),
    )


def truth() -> Any:
    return np.random.default_rng(6).integers(0, 2, ROWS)


HELD_OUT = np.arange(0, ROWS, 4)
TRAIN = np.setdiff1d(np.arange(ROWS), HELD_OUT)
KEPT = len(HELD_OUT) // 2  # of the held-out rows, those before it stay as they are


def with_spoiled_rows() -> pl.DataFrame:
    """Return the table with the later half of the held-out rows spoiled."""
    whole = table().with_row_index("at")
    wild = spoiled(whole[HELD_OUT[KEPT:]]).with_columns(at=pl.Series(HELD_OUT[KEPT:], dtype=pl.UInt32))
    return pl.concat([whole.filter(~pl.col("at").is_in(HELD_OUT[KEPT:].tolist())), wild]).sort("at").drop("at")


def dataset(rows: pl.DataFrame) -> Dataset:
    return Dataset(
        table=rows,
        task=Task("classification", ("no", "yes")),
        features=tuple(Column(name, kind, str(rows.schema[name])) for name, kind in KINDS.items()),  # type: ignore[arg-type]
        withheld=(),
        truth=truth(),
        row_ids=np.arange(ROWS),
    )


def as_bytes(matrix: Any) -> bytes:
    dense = matrix.toarray() if sparse.issparse(matrix) else matrix
    return bytes(np.ascontiguousarray(dense).tobytes())


def state_bytes(state: Any) -> str:
    """Return all that a preparation has learned, as text."""
    return json.dumps(plain(state), sort_keys=True, default=str)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if sparse.issparse(value) or isinstance(value, np.ndarray):
        return [
            str(value.dtype),
            value.shape,
            plain(value.tolist() if isinstance(value, np.ndarray) else value.toarray()),
        ]
    if hasattr(value, "__dict__") and not isinstance(value, type):
        return [type(value).__name__, plain(vars(value))]
    return repr(value)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_fold_learns_nothing_from_its_held_out_rows(recipe: Recipe, tmp_path: Path) -> None:
    clean, wild = (
        FoldStore(dataset(rows), 1, tmp_path).get(recipe, "0.0", TRAIN, HELD_OUT)
        for rows in (table(), with_spoiled_rows())
    )
    assert as_bytes(clean.train) == as_bytes(wild.train)
    assert as_bytes(clean.valid[:KEPT]) == as_bytes(wild.valid[:KEPT])
    assert as_bytes(clean.valid[KEPT:]) != as_bytes(wild.valid[KEPT:]), (
        "the spoiled rows are seen, or nothing is tested"
    )
    assert learned(clean) == learned(wild)


def learned(fold: FoldData) -> str:
    assert fold.preparation is not None
    return state_bytes(fold.preparation.state())


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_what_is_learned_depends_on_the_training_rows(recipe: Recipe) -> None:
    """The counterpart: other training rows give another state, so equal states are no accident of the comparison."""
    one, _ = learn(recipe, table()[TRAIN], truth()[TRAIN], 1)
    other, _ = learn(recipe, spoiled(table()[TRAIN]), truth()[TRAIN], 1)
    assert state_bytes(one.state()) != state_bytes(other.state())


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_held_out_labels_are_not_learned(recipe: Recipe, tmp_path: Path) -> None:
    turned = truth()
    turned[HELD_OUT] = 1 - turned[HELD_OUT]
    clean = FoldStore(dataset(table()), 1, tmp_path).get(recipe, "0.0", TRAIN, HELD_OUT)
    other = FoldStore(replace(dataset(table()), truth=turned), 1, tmp_path).get(recipe, "0.0", TRAIN, HELD_OUT)
    assert as_bytes(clean.train) == as_bytes(other.train)
    assert as_bytes(clean.valid) == as_bytes(other.valid)
    assert learned(clean) == learned(other)


def test_a_rows_own_label_does_not_enter_its_target_code() -> None:
    """Target encoding of the training rows is crosswise: turning one label leaves that row's own code as it was."""
    recipe = replace(RECIPES["target"], columns=(("town", "category"),))
    rows, labels = table()[TRAIN], truth()[TRAIN]
    turned = labels.copy()
    turned[0] = 1 - turned[0]
    _, before = learn(recipe, rows, labels.astype(float), 1)
    _, after = learn(replace(recipe, task="regression"), rows, turned.astype(float), 1)
    _, as_numbers = learn(replace(recipe, task="regression"), rows, labels.astype(float), 1)
    assert before.shape == after.shape
    assert after[0, 0] == as_numbers[0, 0]
    assert not np.array_equal(after, as_numbers)


SPEC = """
experiment: leak
data:
  source: csv
  path: table.csv
  target: kind
  text: [words]
  types: {town: category, size: numeric, gaps: numeric, flag: boolean, day: date}
split: {test: 0, folds: {column: fold}}
metrics: [roc_auc, log_loss]
models:
  gaussian_nb: {prepare: {category: {encode: target}}}
  logistic_regression: {C: 1, max_iter: 50}
  hist_gradient_boosting: {max_iter: 5, prepare: {category: {encode: native}}}
  random_forest: {n_estimators: 5, prepare: {category: {encode: ordinal}, text: {encode: counts}}}
  linear_svm: {C: 1, prepare: {text: {encode: hashing}}}
"""


def test_in_a_whole_run_a_spoiled_row_changes_nothing_that_is_said_of_its_fellows(tmp_path: Path) -> None:
    """Predictions of the unspoiled held-out rows of fold 0 are equal bit for bit."""
    fold = np.arange(ROWS) % 4
    said = []
    for name, rows in (("clean", table()), ("wild", with_spoiled_rows())):
        spec = write_spec(tmp_path / name, SPEC)
        kinds = pl.Series(truth()).replace_strict({0: "no", 1: "yes"})
        rows.with_columns(kind=kinds, fold=pl.Series(fold)).write_csv(spec.parent / "table.csv")
        done = run(spec)
        assert set(done.reasons.values()) == {"done"}, done.reasons
        assert done.folder is not None
        models = [model["name"] for model in done.record["models"] if model["kind"] == "model"]
        files = [done.folder / "predictions" / f"{name}.parquet" for name in sorted(models)]
        assert len(files) == 5
        kept = pl.col("row").is_in(HELD_OUT[:KEPT].tolist())
        said.append([pl.read_parquet(path).filter(kept).write_json() for path in files])
    assert said[0] == said[1]
