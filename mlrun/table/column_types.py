"""From the columns of a table to what they are: numeric, boolean, date, category or text; and what is no feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from mlrun.errors import DataError
from mlrun.records import Column, ColumnKind

FEW = 20  # so few distinct words are a category, however few rows there are
TEXT_WORDS = 5.0  # mean words of a text; a name has fewer
TEXT_CHARACTERS = 50.0  # mean length of a text in a script without blanks
LOOKED_AT = 10_000  # values whose words are counted
ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a column is: a feature, or (kind None) why it is none."""

    column: Column | None
    reason: str = ""


LARGEST = 3.4028234663852886e38  # of a float of 32 bits (IEEE 754)


def settle_table(
    table: pl.DataFrame, types: Mapping[str, ColumnKind], target: str | None, origin: str
) -> tuple[pl.DataFrame, dict[str, str], list[str]]:
    """Bring every column to Int64, Float64, Boolean, String, Date or Datetime; return the table, what cannot be, notes.

    Integers and floats of all widths become 64 bits; NaN and infinities become missing; ISO strings become dates;
    `types` is obeyed; the target keeps its infinities, which are an error of their own. Columns of other types (lists,
    structs, bytes) are named in the second value, with why they cannot be features.
    Raises DataError with row and column where a value is not what `types` demands.
    """
    settled, foreign, notes = [], {}, []
    for column in table:
        as_written = column.name in types and types[column.name] in ("category", "text")
        plain = column if as_written and column.dtype == pl.String else settle_column(column)
        if plain is None:
            foreign[column.name] = f"its type {column.dtype} is none that a model can read"
            settled.append(column)
            continue
        if plain.dtype == pl.Float64 and column.name != target and (endless := int(plain.is_infinite().sum())):
            notes.append(f"column '{column.name}': {endless:,} infinite value{'s' * (endless > 1)} taken as missing")
            plain = pl.select(pl.when(plain.is_finite()).then(plain).alias(column.name)).to_series()
        if plain.dtype == pl.Float64 and column.name != target and (huge := int((plain.abs() > LARGEST).sum())):
            notes.append(
                f"column '{column.name}': {huge:,} value{'s' * (huge > 1)} beyond ±{LARGEST:.2g}, the largest that "
                "trees and xgboost can hold: their fits will fail; leave such rows out with `where`"
            )
        if column.name in types:
            plain = demand_kind(plain, types[column.name], origin)
        settled.append(plain)
    return pl.DataFrame(settled), foreign, notes


def settle_column(column: pl.Series) -> pl.Series | None:
    """Return the column as one of the six types that mlrun knows, or None."""
    dtype = column.dtype
    if dtype.is_integer():
        wide = column.cast(pl.Int64, strict=False)
        return wide if wide.null_count() == column.null_count() else column.cast(pl.Float64)
    if dtype.is_numeric():
        return column.cast(pl.Float64).fill_nan(None)
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return column.cast(pl.String)
    if isinstance(dtype, pl.Datetime):
        here = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if dtype.time_zone else column
        return here.dt.cast_time_unit("us")
    if dtype == pl.Duration:
        return column.dt.total_microseconds() / 1e6
    if dtype == pl.String:
        return parse_dates(column)
    if dtype == pl.Null:
        return column.cast(pl.String)
    return column if dtype in (pl.Boolean, pl.Date) else None


def parse_dates(column: pl.Series) -> pl.Series:
    """Return ISO dates as Date or Datetime (zones turned into UTC), when every value is one; else the column."""
    known = column.drop_nulls()
    if known.is_empty() or not known.head(100).str.contains(ISO).all() or not known.str.contains(ISO).all():
        return column
    if (known.str.len_bytes() == len("2020-01-01")).all():
        parsed = column.str.to_date("%Y-%m-%d", strict=False)
    else:
        parsed = _parse_moments(column)
    return parsed if parsed.null_count() == column.null_count() else column


def _parse_moments(column: pl.Series) -> pl.Series:
    """Parse each value by itself: days, minutes, seconds and fractions, zones, may be mixed."""
    whole = pl.col("v").str.replace("T", " ", literal=True)
    bare = whole.str.replace(r"(Z|[+-]\d{2}:?\d{2})$", "")
    bare = pl.when(pl.col("v").str.len_bytes() == 10).then(pl.col("v") + " 00:00").otherwise(bare)
    zone = pl.when(pl.col("v").str.len_bytes() > 10).then(whole.str.slice(11).str.extract(r"([+-]\d{2}:?\d{2})$"))
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    minutes = sign * (zone.str.slice(1, 2).cast(pl.Int64) * 60 + zone.str.slice(-2).cast(pl.Int64))
    moment = pl.coalesce(
        bare.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False),
        bare.str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", strict=False),
    )
    shifted = moment - pl.duration(minutes=minutes.fill_null(0))
    return column.to_frame("v").select(shifted.alias(column.name)).to_series()


def demand_kind(column: pl.Series, kind: ColumnKind, origin: str) -> pl.Series:
    """Return the column in the type of a kind that `types` demands.

    Raises DataError with the row of the first value that cannot be of this kind.
    """
    if kind in ("category", "text"):
        return as_words(column)
    if kind == "date":
        cast = column if column.dtype.is_temporal() else None
    elif kind == "boolean":
        cast = _as_booleans(column)
    else:
        cast = column if column.dtype.is_numeric() else column.cast(pl.Float64, strict=False)
    failed = range(column.len()) if cast is None else (cast.is_null() & column.is_not_null()).arg_true()
    if cast is None or len(failed):
        row = _first_bad(column) if cast is None else int(failed[0])
        raise DataError(f"{origin}: row {row + 1}, column '{column.name}': the value is not {KIND_WORDS[kind]}.")
    return cast


KIND_WORDS: Mapping[ColumnKind, str] = {
    "numeric": "a number",
    "boolean": "true or false (or 1 or 0)",
    "category": "a word",
    "text": "a text",
    "date": "a date in ISO form, such as 2024-03-31",
}


def _first_bad(column: pl.Series) -> int:
    if column.dtype != pl.String:
        return 0
    bad = (~column.str.contains(ISO)).fill_null(value=False).arg_true()
    return int(bad[0]) if len(bad) else 0


def _as_booleans(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column
    words = as_words(column).str.to_lowercase()
    truth = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "1.0": True, "0.0": False}
    return words.replace_strict(truth, default=None, return_dtype=pl.Boolean).alias(column.name)


def as_words(column: pl.Series) -> pl.Series:
    """Return the column as strings; 3.0 is '3', so that whole numbers read the same from every file."""
    if column.dtype == pl.Float64 and (column.drop_nulls() == column.drop_nulls().round()).all():
        whole = column.cast(pl.Int64, strict=False)
        column = whole if whole.null_count() == column.null_count() else column
    return column.cast(pl.String)


def judge(column: pl.Series, kind: ColumnKind | None, asked: bool) -> Verdict:
    """Say what a settled column is; `kind` is what the spec says of it, `asked`: it is listed in `features`."""
    missing = column.null_count()
    distinct = column.drop_nulls().n_unique()
    if distinct == 0:
        return Verdict(None, "all values are missing")
    if distinct == 1 and missing == 0 and not asked:
        return Verdict(None, "constant")
    found = kind or _kind(column, distinct)
    if found is None:
        if not asked:
            return Verdict(None, f"looks like an identifier: {distinct:,} distinct among {column.len() - missing:,}")
        found = "category"
    return Verdict(Column(column.name, found, str(column.dtype), missing, distinct))


def _kind(column: pl.Series, distinct: int) -> ColumnKind | None:
    if column.dtype == pl.Boolean:
        return "boolean"
    if column.dtype.is_numeric():
        return "numeric"
    if column.dtype.is_temporal():
        return "date"
    known = column.drop_nulls()
    if distinct <= FEW:
        return "category"
    few = known.head(LOOKED_AT)
    long = _mean(few.str.count_matches(r"\S+")) >= TEXT_WORDS or _mean(few.str.len_chars()) >= TEXT_CHARACTERS
    if long and distinct > known.len() / 10:
        return "text"
    return "category" if distinct <= known.len() / 2 else None


def _mean(counts: pl.Series) -> float:
    """Return the mean of numbers; 0 for none."""
    mean = counts.mean()
    return float(mean) if isinstance(mean, (int, float)) else 0.0


def counts_rows(column: pl.Series) -> bool:
    """Whether the values are 0, 1, 2, ... or 1, 2, 3, ... in the order of the rows."""
    if column.dtype != pl.Int64 or column.null_count() or column.len() < 2:
        return False
    return column[0] in (0, 1) and bool((column.diff().drop_nulls() == 1).all())
