"""From a typed table to what its columns probably are for: the target, ids, dates, groups, sensitive columns, leaks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from mlrun.catalog import suggestion
from mlrun.errors import DataError, UsageError
from mlrun.records import Label
from mlrun.table.column_types import counts_rows
from mlrun.table.csv_header import NAMELESS

FEW_CLASSES = 20  # so few distinct values may be classes
FEW_ROWS = 20  # in a short table whole numbers may well count the rows by chance
STRONG = ("target", "label", "labels", "class", "outcome", "output_class", "ground_truth")  # in this order
USUAL = (
    "survived", "churn", "churned", "default", "defaulted", "income", "diagnosis", "species", "quality", "price",
    "saleprice", "medv", "response", "result", "fraud", "anomaly", "outlier", "attrition", "spam", "sentiment",
    "died", "death", "mortality", "converted", "clicked", "category", "rating", "salary", "cnt", "y",
)  # fmt: skip
ANOMALY = ("anomaly", "outlier", "is_anomaly", "is_outlier", "anomalous")
SENSITIVE = {
    "sex", "gender", "race", "ethnicity", "ethnic", "religion", "nationality", "age", "disability", "disabled",
    "marital", "married", "orientation", "caste", "pregnant", "pregnancy", "veteran",
}  # fmt: skip
IDS = {"id", "uuid", "guid", "key", "rownames", "index", "identifier"}
GROUPS = {"household", "patient", "user", "customer", "subject", "session", "family", "client", "account", "person"}
POSITIVE = ("1", "true", "yes", "y", "positive", "pos", "spam", "fraud", "anomaly", "malignant", "bad", "died", "churn")
LEAKS_LOOKED_AT = 200  # columns
LEAK_VALUES = 50


@dataclass(frozen=True, slots=True)
class Roles:
    """Columns by what they probably are for; `id` is sure enough to be said, the rest is offered."""

    id: str | None = None
    id_reason: str = ""
    times: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    placeholders: Mapping[str, str] = field(default_factory=dict)


def guess_target(table: pl.DataFrame, asked: str | None, known: str) -> tuple[str, str]:
    """Return the column to predict, and why it is thought to be that one.

    asked: the user's word; known: the source's own target, '' when it has none.
    Raises UsageError when the word is no column, DataError when no column could be a target.
    """
    if asked is not None:
        if asked not in table.columns:
            raise UsageError(f"--target: '{asked}' is not a column of the table{suggestion(asked, table.columns)}")
        return asked, "as you said"
    if known in table.columns:
        return known, "the source says so"
    possible = [name for name in table.columns if _can_be_target(table[name])]
    wanted = ((STRONG, table.columns, "its name says so"), (USUAL, possible, "its name is usual for one"))
    for words, names, strength in wanted:
        for word in words:
            named = [name for name in names if _bare(name) == word]
            if named:
                return named[-1], strength
    return _by_place(table, possible)


def _by_place(table: pl.DataFrame, possible: Sequence[str]) -> tuple[str, str]:
    """Return the last column of few values, the first when it alone is such, else the last number."""
    ends = list(dict.fromkeys([table.columns[-1], table.columns[0]]))
    inside = list(reversed(table.columns[1:-1]))
    for name, where in [*zip(ends, ("last", "first"), strict=False), *((name, "last such") for name in inside)]:
        if name in possible and _has_classes(table[name]):
            return name, f"the {where} column with few values ({table[name].drop_nulls().n_unique()})"
    numbers = [name for name in possible if table[name].dtype.is_numeric() and not is_id(table[name])]
    if not numbers:
        shown = ", ".join(f"'{name}'" for name in table.columns[:6]) + (", ..." if table.width > 6 else "")
        raise DataError(
            f"none of the columns ({shown}) looks like something to predict; name one with --target COLUMN."
        )
    return numbers[-1], "the last column of numbers, and none has few values"


def _can_be_target(column: pl.Series) -> bool:
    if column.name == NAMELESS or column.dtype.is_temporal() or column.dtype.is_nested() or column.dtype == pl.Binary:
        return False
    distinct = column.drop_nulls().n_unique()
    return distinct >= 2 and (column.dtype.is_numeric() or distinct <= max(FEW_CLASSES, len(column) // 20))


def _has_classes(column: pl.Series) -> bool:
    known = column.drop_nulls()
    distinct = known.n_unique()
    if not 2 <= distinct <= FEW_CLASSES or (distinct > 2 and distinct > len(known) // 2):
        return False
    return not column.dtype.is_float() or bool((known == known.round()).all())


def is_anomaly_name(name: str) -> bool:
    """Whether a target's name speaks of anomalies rather than of classes."""
    return _snake(name) in ANOMALY


def guess_positive(counts: Mapping[Label, int]) -> tuple[Label, str]:
    """Return which of two labels is the positive one, and why; counts: label → rows."""
    for word in POSITIVE:
        spoken = [label for label in counts if str(label).strip("'\" ").lower() == word]
        if spoken:
            return spoken[0], "by what it says; the other label is the negative one"
    return min(counts, key=lambda label: counts[label]), "the rarer label; the other is the negative one"


def guess_roles(table: pl.DataFrame, target: str) -> Roles:
    """Return what the columns other than the target are probably for."""
    others = [name for name in table.columns if name not in (target, NAMELESS)]
    found, reason = _find_id(table, others)
    rest = [name for name in others if name != found]
    return Roles(
        id=found,
        id_reason=reason,
        times=tuple(name for name in rest if table[name].dtype.is_temporal()),
        groups=tuple(name for name in rest if _groups_rows(table[name])),
        sensitive=tuple(name for name in rest if SENSITIVE & set(_snake(name).split("_"))),
        leaks=tuple(name for name in rest[:LEAKS_LOOKED_AT] if _leaks(table, name, target)),
        codes=tuple(name for name in rest if _is_code(table[name])),
        placeholders={name: "?" for name in rest if table[name].dtype == pl.String and (table[name] == "?").any()},
    )


def _find_id(table: pl.DataFrame, names: Sequence[str]) -> tuple[str | None, str]:
    if len(names) < 2:
        return None, ""
    for name in names:
        if is_id(table[name]):
            return name, "names each row, and no two are equal"
    first = table.columns[0]
    if names and names[0] == first and table.height > FEW_ROWS and counts_rows(table[first]):
        return first, "counts the rows"
    return None, ""


def is_id(column: pl.Series) -> bool:
    """Whether a column is called an identifier, or what one person or thing is, and has another value in each row."""
    called = _snake(column.name).split("_")[-1] in IDS | GROUPS
    whole = column.dtype in (pl.Int64, pl.String)
    return called and whole and column.null_count() == 0 and column.n_unique() == len(column)


def _groups_rows(column: pl.Series) -> bool:
    """Whether a column is called as what groups rows are, and most of its values are there more than once."""
    words = set(_snake(column.name).split("_"))
    if not (words & GROUPS or "id" in words or "group" in words) or column.dtype not in (pl.Int64, pl.String):
        return False
    distinct = column.drop_nulls().n_unique()
    return column.null_count() == 0 and FEW_CLASSES < distinct <= len(column) / 1.5


def _leaks(table: pl.DataFrame, name: str, target: str) -> bool:
    """Whether each value of a column goes with one class only: such a column often knows what is to be predicted."""
    distinct = table[name].n_unique()
    classes = table[target].drop_nulls().n_unique()
    if not 2 <= distinct <= min(LEAK_VALUES, table.height / 5) or not 2 <= classes <= min(FEW_CLASSES, distinct):
        return False
    pairs = table.filter(pl.col(target).is_not_null()).select(name, target).n_unique()
    return pairs == distinct


def _is_code(column: pl.Series) -> bool:
    distinct = column.drop_nulls().n_unique()
    return column.dtype == pl.Int64 and 3 <= distinct <= 6 and len(column) > 10 * distinct


def _snake(name: str) -> str:
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")


def _bare(name: str) -> str:
    return re.sub(r"^(is|has|was)_", "", _snake(name))
