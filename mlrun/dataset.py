"""From a spec's `data` to a typed table, with what is to be predicted and what the models may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mlrun.errors import DataError, SpecError, UsageError
from mlrun.records import Column, ColumnKind, Dataset, Params, Problem, Task
from mlrun.table.column_types import settle_table
from mlrun.table.features import choose_features, recount, suspected_ids, told_features
from mlrun.table.loading import find_source, load_table, source_files
from mlrun.table.roles import conditions, refuse_bad_conditions, refuse_unknown_columns
from mlrun.table.row_conditions import named_columns, select_rows
from mlrun.table.row_values import read_groups, read_row_ids, read_times, read_weights, refuse_missing
from mlrun.table.schema_cast import apply_schema, schema_of, text_columns
from mlrun.table.targets import read_target

if TYPE_CHECKING:
    from mlrun.records import Array
    from mlrun.spec import Spec

__all__ = ["Read", "apply_schema", "load", "load_rows", "select_rows", "test_source"]

Read = Callable[[str, Params, str, tuple[str, ...]], pl.DataFrame]  # as table.loading.load_table


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one file: the table, and each row's position in that file (from 0)."""

    table: pl.DataFrame
    rows: Array
    origin: str


def load(spec: Spec, sample: int | None = None, read: Read = load_table) -> Dataset:
    """Load, select and type the rows of a spec, its own test file appended; settle what is predicted and from what.

    sample: so many rows for a try-out, drawn with the spec's seed, or the last ones in time. read: what gives the
    tables as they are; another than the sources themselves gives those of an earlier run.
    Raises SpecError for names that are not columns, DataError for data that cannot be used; each with the way out.
    """
    source = find_source(spec.data.source, spec.folder)
    target = _target_name(spec, source.target)
    own, foreign, notes = _load_own(spec, target, read)
    own = _limited(spec, _where(spec, own))
    features, withheld = choose_features(spec, own.table, target, foreign)  # before sampling: a few rows mislead
    judged, own = own.table, _sampled(spec, own, sample)
    test = None
    if spec.split.test_params is not None:
        needed = {column.name for column in features} | _role_columns(spec, target)
        test = _sampled(spec, _where(spec, _load_test(spec, own.table, foreign, needed, read)), sample)
    for part in (own,) if test is None else (own, test):
        _refuse_gaps(spec, target, part)
    whole = own if test is None else _joined(own, test)
    features = features if whole.table is judged else recount(features, whole.table)
    return _assembled(spec, own, whole, target, (features, withheld), notes)


def load_rows(source: str, params: Params, folder: str, schema: Mapping[str, str]) -> pl.DataFrame:
    """Load rows from a source and cast them to a recorded schema; nothing is inferred where it says what to expect."""
    table = load_table(source, params, folder, text_columns(schema))
    return apply_schema(table, schema, _origin(source, params, folder))


# -- loading ----------------------------------------------------------------------------------------------------------


def _target_name(spec: Spec, usual: str) -> str | None:
    if spec.data.target is not None:
        return spec.data.target
    return usual if usual and usual not in spec.data.drop else None


def _origin(source: str, params: Params, folder: str) -> str:
    files = _files(source, params, folder)
    return files[0] if files else f"source '{source}'"


def _files(source: str, params: Params, folder: str) -> tuple[str, ...]:
    """Return the files of a source; () where they are gone, and the rows were read from what was kept of them."""
    try:
        return source_files(source, params, folder)
    except DataError:
        return ()


def _load_own(spec: Spec, target: str | None, read: Read) -> tuple[Part, dict[str, str], list[str]]:
    data = spec.data
    types: dict[str, ColumnKind] = {**data.types, **dict.fromkeys(data.text, "text")}
    as_written = tuple(name for name, kind in types.items() if kind in ("category", "text"))
    raw = read(data.source, data.params, spec.folder, as_written)
    if target is None and spec.task != "anomaly":
        _refuse_no_target(spec, raw.columns)
    refuse_unknown_columns(spec, target, raw.columns)
    origin = _origin(data.source, data.params, spec.folder)
    table, foreign, notes = settle_table(raw, types, target, origin)
    refuse_bad_conditions(spec, table)
    return Part(table, np.arange(table.height), origin), foreign, notes


def _refuse_no_target(spec: Spec, columns: Sequence[str]) -> None:
    shown = ", ".join(columns[:12]) + (f", ... ({len(columns)} in all)" if len(columns) > 12 else "")
    cure = f"Say `data: {{target: ...}}`, or `task: anomaly`. The columns: {shown}."
    raise SpecError([Problem("`data` does not say which column is the target.", spec.place(("data",)), cure)])


def _load_test(spec: Spec, own: pl.DataFrame, foreign: Mapping[str, str], needed: set[str], read: Read) -> Part:
    """Load the test file, cast to the types of the training rows; a column that nothing needs may be absent there."""
    source, params = test_source(spec)
    schema = {name: dtype for name, dtype in schema_of(own).items() if name not in foreign}
    raw = read(source, params, spec.folder, text_columns(schema))
    origin = _origin(source, params, spec.folder)
    present = {name: dtype for name, dtype in schema.items() if name in needed or name in raw.columns}
    table = apply_schema(raw, present, origin)
    return Part(table, np.arange(table.height), origin)


def test_source(spec: Spec) -> tuple[str, dict[str, Any]]:
    """Return the source of the test rows: what `split.test` does not say is as in `data`."""
    params = dict(spec.split.test_params or {})
    source = str(params.pop("source", spec.data.source))
    return source, {**spec.data.params, **params} if source == spec.data.source else params


def _joined(own: Part, test: Part) -> Part:
    table = pl.concat([own.table, test.table], how="diagonal_relaxed").select(own.table.columns)
    return Part(table, np.concatenate([own.rows, test.rows]), own.origin)


# -- which rows -------------------------------------------------------------------------------------------------------


def _where(spec: Spec, part: Part) -> Part:
    if spec.data.where is None:
        return part
    try:
        keep = select_rows(part.table, spec.data.where)
    except UsageError as error:
        raise SpecError([Problem(str(error), spec.place(("data", "where")))]) from error
    if not keep.any():
        message = f"`where` holds for none of the {part.table.height:,} rows of {part.origin}"
        raise SpecError([Problem(message, spec.place(("data", "where")))])
    return Part(part.table.filter(keep), part.rows[keep], part.origin)


def _limited(spec: Spec, part: Part) -> Part:
    if spec.data.limit is None:
        return part
    return Part(part.table.head(spec.data.limit), part.rows[: spec.data.limit], part.origin)


def _sampled(spec: Spec, part: Part, sample: int | None) -> Part:
    """Return the last rows in time, else rows drawn with the spec's seed; in the order of the file."""
    if sample is None or sample >= part.table.height:
        return part
    if spec.data.time is not None:
        order = part.table[spec.data.time].arg_sort().to_numpy()
        chosen = np.sort(order[-sample:])
    else:
        chosen = np.sort(np.random.default_rng(spec.seed).choice(part.table.height, sample, replace=False))
    return Part(part.table[chosen], part.rows[chosen], part.origin)


# -- columns that are not features ------------------------------------------------------------------------------------


def _role_columns(spec: Spec, target: str | None) -> set[str]:
    """Return the columns that test rows must have beside the features."""
    roles = (target, spec.data.id, spec.data.group, spec.data.time, spec.data.weight)
    asked = {name for _, condition in conditions(spec) for name in named_columns(condition)}
    return {name for name in roles if name is not None} | set(spec.data.sensitive) | asked


def _refuse_gaps(spec: Spec, target: str | None, part: Part) -> None:
    data = spec.data
    known = {
        target: "is the target",
        data.id: "names the rows",
        data.group: "groups the rows",
        data.time: "orders the rows in time",
        data.weight: "weighs the rows",
    }
    for name, does in known.items():
        if name is not None:
            refuse_missing(part.table[name], does, part.rows, part.origin)


# -- all together -----------------------------------------------------------------------------------------------------


def _assembled(
    spec: Spec,
    own: Part,
    whole: Part,
    target: str | None,
    columns: tuple[tuple[Column, ...], tuple[tuple[str, str], ...]],
    notes: list[str],
) -> Dataset:
    features, withheld = columns
    table, data = whole.table, spec.data
    known = find_source(data.source, spec.folder).task(data.params)
    read = read_target(spec, None if target is None else table[target], whole.rows, known)
    start = None if whole is own else own.table.height
    if start is not None and read.truth is not None:
        _refuse_unseen_labels(read.task, read.truth, start, whole.rows)
    return Dataset(
        table=table,
        task=read.task,
        features=features,
        withheld=withheld,
        truth=read.truth,
        row_ids=read_row_ids(table, data.id, whole.rows, start),
        groups=None if data.group is None else read_groups(table[data.group]),
        times=None if data.time is None else read_times(table[data.time], whole.rows),
        weights=None if data.weight is None else read_weights(table[data.weight], whole.rows),
        test_start=start,
        notes=(*read.notes, told_features(features, withheld), *notes, *suspected_ids(table, features)),
        source=_source(spec),
        schema=schema_of(table.select(column.name for column in features)),
        target=target or "",
        folder=spec.folder,
    )


def _refuse_unseen_labels(task: Task, truth: Array, start: int, rows: Array) -> None:
    if task.kind == "regression":
        return
    unseen = ~np.isin(truth[start:], truth[:start])
    if unseen.any():
        at = int(unseen.argmax())
        raise DataError(
            f"the test file has the label '{task.labels[truth[start + at]]}' (row {int(rows[start + at]) + 1}), "
            f"which no training row has; correct it or leave such rows out with `where`."
        )


def _source(spec: Spec) -> dict[str, Any]:
    """Return where the data came from as the spec says it (no `${ENV:...}` filled in), and the files that were read."""
    found: dict[str, Any] = {
        "source": spec.data.source,
        "params": dict(spec.data.params),
        "files": _files(spec.data.source, spec.data.params, spec.folder),
    }
    if spec.split.test_params is not None:
        source, params = test_source(spec)
        found |= {"test_params": params, "test_files": _files(source, params, spec.folder)}
    return found
