"""From typed columns and their roles to the features, and the reason why each other column is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlrun.errors import DataError
from mlrun.records import Column, ColumnKind
from mlrun.table.column_types import counts_rows, judge
from mlrun.table.csv_header import NAMELESS
from mlrun.table.roles import withheld_columns

if TYPE_CHECKING:
    import polars as pl

    from mlrun.spec import Spec

NAMES_SHOWN = 8
FEW_ROWS = 20  # in a short table whole numbers may well count the rows by chance


def choose_features(
    spec: Spec, table: pl.DataFrame, target: str | None, foreign: Mapping[str, str]
) -> tuple[tuple[Column, ...], tuple[tuple[str, str], ...]]:
    """Return the features in the order of the table, and every other column with the reason why it is none."""
    data, features, withheld = spec.data, [], []
    reasons = withheld_columns(spec, target)
    kinds: dict[str, ColumnKind] = {**data.types, **dict.fromkeys(data.text, "text")}
    for column in table:
        name, reason = column.name, ""
        if name in reasons:
            reason = reasons[name]
        elif data.features and name not in data.features:
            reason = "not listed in features"
        elif name in foreign:
            reason = foreign[name]
        elif name == NAMELESS and counts_rows(column):
            reason = "a saved row number without a name"
        else:
            verdict = judge(column, kinds.get(name), name in data.features)
            reason = verdict.reason
            if verdict.column is not None:
                features.append(verdict.column)
        if reason:
            withheld.append((name, reason))
    if not features:
        told = "; ".join(f"{name} ({reason})" for name, reason in withheld[:8])
        raise DataError(f"no column is left for the models to learn from: {told}.")
    return tuple(features), tuple(withheld)


def recount(features: Sequence[Column], table: pl.DataFrame) -> tuple[Column, ...]:
    """Return the features with the missing and distinct values of the rows that are used."""
    return tuple(_counted(column, table[column.name]) for column in features)


def _counted(column: Column, values: pl.Series) -> Column:
    return replace(
        column, dtype=str(values.dtype), missing=values.null_count(), distinct=values.drop_nulls().n_unique()
    )


def told_features(features: Sequence[Column], withheld: Sequence[tuple[str, str]]) -> str:
    """Return the one line that says what the models see: features by kind, and who is withheld for which reason."""
    counts = Counter(column.kind for column in features)
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    names: dict[str, list[str]] = {}
    for name, reason in withheld:
        names.setdefault(reason, []).append(name)
    left = "; ".join(f"{_listed(found)} ({reason})" for reason, found in names.items())
    return f"features: {len(features)} ({kinds}); withheld: {left or 'none'}"


def _listed(names: Sequence[str]) -> str:
    more = f", ... {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def suspected_ids(table: pl.DataFrame, features: Sequence[Column]) -> list[str]:
    """Return a note for each feature that counts the rows: more likely a name of the row than a property."""
    return [
        f"column '{column.name}' counts the rows; if it names them, say `id: {column.name}`"
        for column in features
        if column.dtype == "Int64" and table.height > FEW_ROWS and counts_rows(table[column.name])
    ]
