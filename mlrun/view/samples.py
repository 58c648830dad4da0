"""From a model's predictions to a few rows worth a look: typical ones, and those on which it was most wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun.screen.tables import Heading, Row, Table
from mlrun.store.run_record import RunRecord
from mlrun.wording import NOTHING, as_text, number

if TYPE_CHECKING:
    import polars as pl

TYPICAL, WORST = 3, 5  # rows of each kind


def samples(folder: Path, record: RunRecord, model: str) -> Table | None:
    """Return rows of test (else of the folds) with truth and prediction; None where none are stored."""
    file = folder / "predictions" / f"{model}.parquet"
    if not file.is_file():
        return None
    import polars as pl

    try:
        table = pl.read_parquet(file)
        part = "test" if (table["part"] == "test").any() else "fold"
        found = list(chosen(table.filter(pl.col("part") == part), record))
    except (OSError, pl.exceptions.PolarsError):
        return None
    measure = next((row["measure"] for row in found), "")
    headings = [
        Heading("", lambda row: row["kind"], fold=True),
        Heading("row", lambda row: as_text(row["row"]), fold=True),
        Heading("truth", lambda row: told(row["truth"]), fold=True),
        Heading("prediction", lambda row: told(row["prediction"]), fold=True),
        *([Heading(measure, lambda row: number(row["value"]), right=True)] if measure else []),
    ]
    where = "test" if part == "test" else "the folds, each row as a model that had not seen it predicted it"
    return Table(tuple(headings), tuple(found), (f"rows of {where}",)) if found else None


def told(value: Any) -> str:
    if value is None:
        return NOTHING
    return number(value) if isinstance(value, float) else as_text(value)


def chosen(table: pl.DataFrame, record: RunRecord) -> Iterator[Row]:
    """Yield the rows worth a look, by what is asked of the model."""
    import polars as pl

    table = table.filter(pl.col("prediction").is_not_null())
    measured = with_measure(table, record)
    if measured is None:
        return
    table, measure = measured
    labelled = table.filter(pl.col("truth").is_not_null() & pl.col("value").is_finite())
    if record.task is not None and record.task.kind == "regression":
        by_size = labelled.with_columns(pl.col("value").abs().alias("size"))
        yield from rows(middle(by_size, "size"), "typical", measure)
        yield from rows(by_size.sort("size", descending=True).head(WORST), "largest error", measure)
    elif labelled.is_empty():
        scored = table.filter(pl.col("value").is_finite())
        yield from rows(scored.sort("value", descending=True).head(WORST), "most anomalous", measure)
    else:
        right = labelled.filter(pl.col("truth") == pl.col("prediction"))
        wrong = labelled.filter(pl.col("truth") != pl.col("prediction"))
        yield from rows(middle(right, "sure"), "typical", measure)
        yield from rows(wrong.sort("sure", descending=True).head(WORST), "surest mistake", measure)


def with_measure(table: pl.DataFrame, record: RunRecord) -> tuple[pl.DataFrame, str] | None:
    """Return the rows with `value`, what is shown of each, and `sure`, how sure the model was; and what value is."""
    import polars as pl

    if record.task is not None and record.task.kind == "regression":
        return table.with_columns((pl.col("prediction") - pl.col("truth")).cast(pl.Float64).alias("value")), "error"
    known = [name for name in table.columns if table[name].null_count() < table.height]
    probabilities = [name for name in known if name.startswith("p_")]
    scores = [name for name in known if name.startswith("score_")]
    if probabilities:
        best = pl.max_horizontal(probabilities)
        return table.with_columns(best.alias("value"), best.alias("sure")), "probability"
    if "score" in known:
        far = (pl.col("score") - cut(table)).abs()
        return table.with_columns(pl.col("score").alias("value"), far.alias("sure")), "score"
    if scores:
        best = pl.max_horizontal(scores)
        return table.with_columns(best.alias("value"), best.alias("sure")), "score"
    return table.with_columns(pl.lit(0.0).alias("value"), pl.lit(0.0).alias("sure")), ""


def cut(table: pl.DataFrame) -> float:
    """Return where a score turns one answer into the other: midway between the two answers' nearest scores."""
    import polars as pl

    ends = table.group_by("prediction").agg(pl.col("score").min().alias("low"), pl.col("score").max().alias("high"))
    if ends.height < 2:
        return 0.0
    ends = ends.sort("low")
    return float((ends["high"][0] + ends["low"][1]) / 2)


def middle(table: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the rows nearest to the median of a column."""
    import polars as pl

    return table.sort((pl.col(column) - pl.col(column).median()).abs()).head(TYPICAL)


def rows(table: pl.DataFrame, kind: str, measure: str) -> Iterator[Row]:
    for row in table.iter_rows(named=True):
        yield {
            "kind": kind,
            "row": row["row"],
            "truth": row["truth"],
            "prediction": row["prediction"],
            "measure": measure,
            "value": row["value"],
        }
