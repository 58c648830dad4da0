"""What the edits share: which columns a value names, and its values in the columns' own types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlrun.catalog import suggestion
from mlrun.errors import UsageError
from mlrun.kinds import AnyOf, ColumnName, ListOf, Parameter

if TYPE_CHECKING:
    import polars as pl

    from mlrun.records import Dataset

Told = tuple[tuple[str | int, ...], str]  # a path inside an edit's value, and what is wrong there
COLUMNS = Parameter(AnyOf(ColumnName(), ListOf(ColumnName())), None, "which; all columns of text")
EXACT = 2**53  # whole numbers beyond are computed as floats, which do not wrap around
FEW_VALUES = 20  # a column with more distinct numbers than these has no list of values to go through


def as_list(value: Any) -> tuple[Any, ...]:
    """Return a list as a tuple, and one value as a tuple of it."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def part(value: Any, key: str, default: Any = None) -> Any:
    """Return what an edit's value says under a key, the default where it says nothing."""
    return value[key] if isinstance(value, Mapping) and key in value else default


def tell_unknown(names: Iterable[Any], dataset: Dataset, within: tuple[str | int, ...] = ()) -> Iterator[Told]:
    """Yield each name that is no column; a mapping's path ends in the name, a list's in the position."""
    keyed = isinstance(names, Mapping)
    for position, name in enumerate(names):
        if name not in dataset.table.columns:
            told = f"there is no column '{name}'{suggestion(str(name), dataset.table.columns)}"
            yield (*within, str(name) if keyed else position), told


def tell_not_numeric(names: Iterable[Any], dataset: Dataset, does: str, *, dates: bool = False) -> Iterator[Told]:
    """Yield each name that is no column of numbers (or of dates, where these will do)."""
    keyed = isinstance(names, Mapping)
    for position, name in enumerate(names):
        path: tuple[str | int, ...] = (str(name) if keyed else position,)
        if name not in dataset.table.columns:
            yield path, f"there is no column '{name}'{suggestion(str(name), dataset.table.columns)}"
            continue
        dtype = dataset.table.schema[name]
        if not (dtype.is_numeric() or (dates and dtype.is_temporal())):
            yield path, f"the column '{name}' holds no numbers ({dtype}), so '{does}' cannot change it"


def in_type_of(column: pl.Series, given: Any) -> Any:
    """Return a value of a spec as the column holds it: 1, 1.0 and '1' are one whole number, null is null.

    Raises UsageError when the column cannot hold it.
    """
    import polars as pl

    if given is None:
        return None
    if column.dtype == pl.String:
        return _word(given)
    if column.dtype == pl.Boolean:
        words = {"true": True, "1": True, "false": False, "0": False}
        if str(given).lower() in words:
            return words[str(given).lower()]
        raise UsageError(f"the column '{column.name}' holds true and false, not {given!r}")
    if column.dtype.is_temporal():
        return _moment(column, given)
    try:
        number = float(given) if isinstance(given, (str, float)) else int(given)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the column '{column.name}' holds numbers, not {given!r}") from error
    whole = column.dtype.is_integer() and float(number).is_integer() and abs(number) < 2**63
    return int(number) if whole else float(number)


def _word(given: Any) -> str:
    if isinstance(given, bool):
        return "true" if given else "false"
    return str(int(given)) if isinstance(given, float) and given.is_integer() else str(given)


def _moment(column: pl.Series, given: Any) -> Any:
    from mlrun.table.column_types import parse_dates

    parsed = parse_dates(parsed_from := _series(column.name, str(given)))
    if parsed is parsed_from:
        raise UsageError(f"the column '{column.name}' holds dates, not {given!r}; write one as 2024-03-31")
    return parsed.cast(column.dtype)[0]


def _series(name: str, word: str) -> pl.Series:
    import polars as pl

    return pl.Series(name, [word])


def literal(value: Any, dtype: pl.DataType) -> pl.Expr:
    """Return a value as an expression in a column's type; a fraction in a column of whole numbers makes it float."""
    import polars as pl

    fraction = isinstance(value, float) and dtype.is_integer()
    return pl.lit(value, dtype=pl.Float64() if fraction else dtype)


def seen(column: pl.Series) -> list[Any]:
    """Return the distinct values of a column without null, the most frequent first, ties in their order."""
    import polars as pl

    counts = (
        column.drop_nulls().value_counts(name="n").sort([pl.col("n"), pl.col(column.name)], descending=[True, False])
    )
    return counts[column.name].to_list()


def near_value(value: Any, known: Sequence[Any]) -> str:
    """Return '; did you mean X?' for a value that a column never holds."""
    return suggestion(_word(value), [_word(one) for one in known])


def tell_never(column: pl.Series, given: Any, path: tuple[str | int, ...]) -> Iterator[Told]:
    """Yield a value that cannot be in a column, or never is."""
    try:
        value = in_type_of(column, given)
    except UsageError as error:
        yield path, str(error)
        return
    known = seen(column)
    if value not in known:
        yield path, f"the value '{_word(value)}' never occurs in the column '{column.name}'{near_value(value, known)}"


# -- text --------------------------------------------------------------------------------------------------------------


def text_columns(value: Any, dataset: Dataset) -> tuple[str, ...]:
    """Return the columns that a text edit writes: those that its value names, else the text features."""
    named = part(value, "columns")
    if named is not None:
        return tuple(map(str, as_list(named)))
    return tuple(column.name for column in dataset.features if column.kind == "text")


def tell_text(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Yield why a text edit has no text to work on."""
    import polars as pl

    columns = text_columns(value, dataset)
    if not columns:
        yield (), "the data has no text column; name one with `columns: [...]`"
    for position, name in enumerate(columns):
        if name not in dataset.table.columns:
            told = f"there is no column '{name}'{suggestion(name, dataset.table.columns)}"
            yield ("columns", position), told
        elif dataset.table.schema[name] != pl.String:
            yield ("columns", position), f"the column '{name}' holds no text ({dataset.table.schema[name]})"


def of_text(value: Any, key: str) -> Any:
    """Return what a text edit is to do: its value, or that under `key` when columns are named beside it."""
    return value[key] if isinstance(value, Mapping) else value


def typical_rows(dataset: Dataset, count: int) -> pl.DataFrame:
    """Return so many equal rows with what is usual in each column: the median of numbers, the most frequent value."""
    import polars as pl

    table, texts = dataset.table, {column.name for column in dataset.features if column.kind == "text"}
    usual = {}
    for name, dtype in table.schema.items():
        known: Any = "" if name in texts else None
        if name not in texts and table[name].null_count() < table.height and not dtype.is_nested():
            values = table[name].drop_nulls().sort()
            ordered = dtype.is_numeric() or dtype.is_temporal()
            known = values[(len(values) - 1) // 2] if ordered else seen(table[name])[0]
        usual[name] = pl.Series(name, [known], dtype=dtype).new_from_index(0, count)
    return pl.DataFrame(usual)
