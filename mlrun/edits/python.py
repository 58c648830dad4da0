"""Python: the user's own edit, a function (table, generator) → table of as many rows, at module:function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlrun.catalog import load_object
from mlrun.change.rows import Told
from mlrun.check_contracts import Edit, Variant
from mlrun.errors import DataError, MlrunError, UsageError
from mlrun.kinds import Word
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return the one variant; what the function raises, or returns beside a table, is one sentence."""
    function = load_object(value, dataset.folder)

    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:
        import polars as pl

        try:
            edited = function(rows, generator)
        except MlrunError:
            raise
        except (Exception, SystemExit) as error:  # the function is the user's: what it raises is an answer
            raise DataError(f"the edit '{value}' failed with {type(error).__name__}: {error}") from error
        if not isinstance(edited, pl.DataFrame):
            raise DataError(f"the edit '{value}' returned {type(edited).__name__}; return the table, edited")
        return edited

    return (Variant("", apply),)


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell a function that cannot be found."""
    try:
        found = load_object(value, dataset.folder)
    except UsageError as error:
        yield (), str(error)
        return
    if not callable(found):
        yield (), f"'{value}' is no function (table, generator) → table"


ENTRY = Edit(
    value=Word(),
    columns=lambda value, dataset: tuple(dataset.table.columns),  # whatever it likes
    variants=variants,
    problems=problems,
)
