"""From a dataset to train and test, once, and the folds inside train."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from mlrun.errors import SpecError
from mlrun.records import Dataset, Fold, Problem, Split

if TYPE_CHECKING:
    from mlrun.records import Array
    from mlrun.spec import Spec

    Pairs = Callable[[Array], Iterator[tuple[Array, Array]]]

MOST_PARTS = 20  # whole groups are dealt into so many parts at most, of which some are test


def split(dataset: Dataset, spec: Spec) -> Split:
    """Return the split that the spec asks for; positions are rows of the dataset.

    Raises SpecError when a class is too rare for the folds or a part would be empty.
    """
    seed = spec.seed if spec.split.seed is None else spec.split.seed
    notes: list[str] = []
    train, test = _hold_out(dataset, spec, seed, notes)
    if spec.split.fold_column is None and len(train) < 2 * spec.split.folds:
        raise _error(spec, ("split",), f"{len(train)} training rows are too few for {spec.split.folds} folds")
    _refuse_rare_classes(dataset, spec, train)
    folds = tuple(_folds(dataset, spec, train, seed, notes))
    _refuse_unseen_classes(dataset, spec, folds)
    return Split(train=train, test=test, folds=folds, notes=tuple(dict.fromkeys(notes)))


def _hold_out(dataset: Dataset, spec: Spec, seed: int, notes: list[str]) -> tuple[Array, Array]:
    """Return train and test: a file of its own, the last in time, whole groups, or a random share."""
    rows, share = np.arange(dataset.table.height), spec.split.test
    if dataset.test_start is not None:
        train, test = _own_file(dataset, spec, rows, notes)
    elif share == 0:
        return rows, rows[:0]
    elif dataset.times is not None:
        order = np.argsort(dataset.times, kind="stable")
        cut = _move_to_change(dataset.times[order], round(len(rows) * (1 - share)))
        inside = order[: max(0, cut - spec.split.gap)]
        train, test = _drop_shared_groups(dataset, inside, order[cut:], notes, "test")
    elif dataset.groups is not None:
        train, test = _whole_groups(dataset, spec, rows, seed, notes)
    elif not spec.split.shuffle:
        cut = len(rows) - round(len(rows) * share)
        train, test = rows[:cut], rows[cut:]
    else:
        train, test = _random_share(dataset, spec, rows, seed)
    if len(train) == 0 or len(test) == 0:
        message = f"`test` leaves {len(train):,} training and {len(test):,} test rows of {len(rows):,}"
        raise _error(spec, ("split", "test"), "; ".join((message, *notes)))
    return np.sort(train), np.sort(test)


def _own_file(dataset: Dataset, spec: Spec, rows: Array, notes: list[str]) -> tuple[Array, Array]:
    """Return the rows of the two files; what the test file's ids, groups or times contradict is dropped, or said."""
    start = dataset.test_start
    known = np.isin(dataset.row_ids[start:], dataset.row_ids[:start]).sum() if spec.data.id is not None else 0
    if known:
        notes.append(
            f"{known:,} of {len(rows[start:]):,} test rows have the id of a training row: "
            "if these are the same rows, the test says little of new ones"
        )
    train, test = _drop_shared_groups(dataset, rows[:start], rows[start:], notes, "the test file")
    if dataset.times is not None and len(train) and dataset.times[test].min() <= dataset.times[train].max():
        notes.append("the test file begins before the training rows end: it is not the future of all of them")
    return train, test


def _whole_groups(dataset: Dataset, spec: Spec, rows: Array, seed: int, notes: list[str]) -> tuple[Array, Array]:
    """Deal the groups into equal parts and hold out as many of these as come nearest to the share asked for."""
    share, strata = spec.split.test, _strata(dataset)
    most = min(
        MOST_PARTS, _count_groups(dataset, rows), len(rows) if strata is None else int(np.bincount(strata).max())
    )
    if most < 2:
        raise _error(spec, ("data", "group"), "there is one group only: it cannot be in train and in test")
    nearest = Fraction(share).limit_denominator(most)
    parts = most if nearest in (0, 1) else nearest.denominator
    held_out = min(max(1, nearest.numerator * parts // nearest.denominator), parts - 1)
    dealt = _splitter(dataset, parts, spec.split.shuffle, seed, grouped=True)(rows)
    test = np.concatenate([part for _, part in itertools.islice(dealt, held_out)])
    notes.append(f"test holds {len(test) / len(rows):.1%} of the rows, in whole groups ({share:.0%} asked for)")
    return np.setdiff1d(rows, test), test


def _count_groups(dataset: Dataset, rows: Array) -> int:
    return 0 if dataset.groups is None else len(np.unique(dataset.groups[rows]))


def _random_share(dataset: Dataset, spec: Spec, rows: Array, seed: int) -> tuple[Array, Array]:
    from sklearn.model_selection import train_test_split

    strata = _strata(dataset)
    if strata is not None and np.bincount(strata).min() < 2:
        rare = dataset.task.labels[int(np.bincount(strata).argmin())]
        raise _error(spec, ("data", "target"), f"class '{rare}' has a single row: it cannot be in train and in test")
    try:
        train, test = train_test_split(rows, test_size=spec.split.test, stratify=strata, random_state=seed)
    except ValueError as error:
        message = f"test: {spec.split.test} of {len(rows)} rows cannot hold every class"
        raise _error(spec, ("split", "test"), message) from error
    return train, test


def _folds(dataset: Dataset, spec: Spec, train: Array, seed: int, notes: list[str]) -> Iterator[Fold]:
    if spec.split.fold_column is not None:
        yield from _folds_of_column(dataset, spec, train)
        return
    if dataset.times is not None:
        yield from _expanding_folds(dataset, spec, train, notes)
        return
    grouped = dataset.groups is not None
    if grouped and (count := _count_groups(dataset, train)) < spec.split.folds:
        raise _error(spec, ("data", "group"), f"{count} groups in train are too few for {spec.split.folds} folds")
    for repeat in range(spec.split.repeats):
        splitter = _splitter(dataset, spec.split.folds, spec.split.shuffle, seed + repeat, grouped=grouped)
        for index, (inside, valid) in enumerate(splitter(train)):
            if len(valid) == 0:
                raise _error(spec, ("data", "group"), f"there are too few groups for {spec.split.folds} folds")
            yield Fold(repeat, index, inside, valid)


def _folds_of_column(dataset: Dataset, spec: Spec, train: Array) -> Iterator[Fold]:
    """Yield one fold a value of the column: its rows are held out in turn."""
    name = str(spec.split.fold_column)
    values = dataset.table[name].to_numpy()[train]
    distinct = dataset.table[name][train].unique().sort().to_list()
    if None in distinct or len(distinct) < 2:
        problem = "has missing values" if None in distinct else "has a single value"
        raise _error(spec, ("split", "folds"), f"fold column '{name}' {problem}")
    for index, value in enumerate(distinct):
        held_out = values == value
        inside, valid = train[~held_out], train[held_out]
        if dataset.groups is not None and np.isin(dataset.groups[inside], dataset.groups[valid]).any():
            message = f"fold column '{name}' divides groups: fold {value} has rows of groups that other folds have too"
            raise _error(spec, ("split", "folds"), message)
        yield Fold(0, index, inside, valid)


def _expanding_folds(dataset: Dataset, spec: Spec, train: Array, notes: list[str]) -> Iterator[Fold]:
    """Yield folds in which the past trains and the next block in time is held out; equal times stay together."""
    if dataset.times is None:
        return
    order = train[np.argsort(dataset.times[train], kind="stable")]
    times = dataset.times[order]
    blocks = spec.split.folds + 1
    cuts = [_move_to_change(times, round(len(order) * block / blocks)) for block in range(1, blocks + 1)]
    for index, (begin, end) in enumerate(itertools.pairwise(cuts)):
        inside, valid = order[: max(0, begin - spec.split.gap)], order[begin:end]
        inside, valid = _drop_shared_groups(dataset, inside, valid, notes, f"fold {index + 1}")
        if len(inside) == 0 or len(valid) == 0:
            message = f"fold {index + 1} in time would be empty: too many equal times, or too large a gap"
            raise _error(spec, ("split", "folds"), message)
        yield Fold(0, index, np.sort(inside), np.sort(valid))


def _move_to_change(times: Array, cut: int) -> int:
    """Return the first position from `cut` on at which the time changes, so that equal times are not divided."""
    while 0 < cut < len(times) and times[cut] == times[cut - 1]:
        cut += 1
    return cut


def _drop_shared_groups(
    dataset: Dataset, train: Array, test: Array, notes: list[str], part: str
) -> tuple[Array, Array]:
    """Return the parts without the training rows whose group is on both sides; `part` names the held-out side."""
    if dataset.groups is None:
        return train, test
    shared = np.isin(dataset.groups[train], dataset.groups[test])
    if shared.any():
        notes.append(f"{int(shared.sum()):,} training rows were dropped, because their group is in {part} too")
    return train[~shared], test


def _splitter(dataset: Dataset, folds: int, shuffle: bool, seed: int, *, grouped: bool) -> Pairs:
    """Return a function from rows to pairs (train, held out) of rows, by scikit-learn's splitters."""
    from sklearn import model_selection as selection

    strata, random_state = _strata(dataset), seed if shuffle else None

    def pairs(rows: Array) -> Iterator[tuple[Array, Array]]:
        groups = dataset.groups[rows] if grouped and dataset.groups is not None else None
        kind = ("Stratified" if strata is not None else "") + ("Group" if grouped else "") + "KFold"
        chosen = getattr(selection, kind)(folds, shuffle=shuffle, random_state=random_state)
        labels = rows if strata is None else strata[rows]
        with warnings.catch_warnings():  # of classes rarer than the folds: those that matter are refused by name
            warnings.simplefilter("ignore", UserWarning)
            parts = list(chosen.split(rows, labels, groups))
        for inside, held_out in parts:
            yield rows[inside], rows[held_out]

    return pairs


def _strata(dataset: Dataset) -> Array | None:
    return dataset.truth if dataset.task.kind != "regression" else None


def _refuse_rare_classes(dataset: Dataset, spec: Spec, train: Array) -> None:
    """Raise for a class with fewer training rows than folds; folds in time or by column are the author's."""
    if dataset.truth is None or dataset.task.kind == "regression":
        return
    if dataset.times is not None or spec.split.fold_column is not None:
        return
    counts = _class_counts(dataset, train)
    rare = [
        f"'{label}' ({count})"
        for label, count in zip(dataset.task.labels, counts, strict=True)
        if count < spec.split.folds
    ]
    if rare:
        most = int(counts.min())
        fewer = f"Use fewer folds (at most {most}), or drop" if most > 1 else "Drop"
        message = f"too few training rows for {spec.split.folds} folds: {', '.join(rare)}"
        raise _error(spec, ("data", "target"), message, f"{fewer} these rows with `data.where`.")


def _refuse_unseen_classes(dataset: Dataset, spec: Spec, folds: tuple[Fold, ...]) -> None:
    """Raise for a fold whose training rows lack a class: groups, times or a fold column can do that."""
    if dataset.truth is None or dataset.task.kind != "classification":
        return
    for fold in folds:
        lacking = np.flatnonzero(_class_counts(dataset, fold.train) == 0)
        if len(lacking):
            label = dataset.task.labels[int(lacking[0])]
            message = f"fold {fold.index + 1} would train without any row of class '{label}'"
            cure = "Use fewer folds, or drop the rows of that class with `data.where`."
            raise _error(spec, ("split", "folds"), message, cure)


def _class_counts(dataset: Dataset, rows: Array) -> Array:
    truth = np.zeros(0, np.int64) if dataset.truth is None else dataset.truth[rows]
    return np.bincount(truth, minlength=len(dataset.task.labels))


def _error(spec: Spec, path: tuple[str | int, ...], message: str, cure: str = "") -> SpecError:
    return SpecError([Problem(message, spec.place(path), cure)])
