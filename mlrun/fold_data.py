"""From a fold and a recipe to matrices, made once; a worker maps them into memory instead of being sent them."""

from __future__ import annotations

import json
import shutil
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy import sparse

from mlrun.prepare import Preparation, learn
from mlrun.process.by_value import is_by_value
from mlrun.recipes import Recipe
from mlrun.records import Dataset
from mlrun.store.writing import storing

if TYPE_CHECKING:
    from mlrun.encoders import Matrix
    from mlrun.records import Array

IN_FILES = 64 * 2**20  # bytes from which on a fold lies in files as soon as it is made, mapped where it is needed
IN_MEMORY = 256 * 2**20  # bytes of all smaller folds that lie in memory; those made after that lie in files too
OPEN_BYTES = 256 * 2**20  # of folds in files that a process keeps mapped, or the one that it asked for last
OPEN_FOLDS = 100  # so many at most: a system bounds the maps of a process


@dataclass(frozen=True, slots=True, eq=False)
class FoldData:
    """Training rows and rows to predict, prepared; pickled as a path, with `by_value` as what it is.

    train, valid: matrices, or tables for ensembles whose members prepare them each for itself.
    preparation: what was learned; stays in the process that learned it.
    """

    train: Matrix | pl.DataFrame
    valid: Matrix | pl.DataFrame
    truth: Array | None
    valid_truth: Array | None
    weights: Array | None
    category_positions: tuple[int, ...] = ()
    preparation: Preparation | None = None
    path: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        if is_by_value():
            parts = (self.train, self.valid, self.truth, self.valid_truth, self.weights)
            return (fold_of, (*parts, self.category_positions))
        if not (Path(self.path) / "fold.json").exists():
            lay_down(self)
        return (open_fold, (self.path,))

    @property
    def size_bytes(self) -> int:
        """Return what its matrices take in memory."""
        return sum(map(bytes_of, (self.train, self.valid)))


def bytes_of(part: Any) -> int:
    if isinstance(part, pl.DataFrame):
        return int(part.estimated_size())
    if sparse.issparse(part):
        return int(part.data.nbytes + part.indices.nbytes + part.indptr.nbytes)
    return int(part.nbytes)


def fold_of(
    train: Any,
    valid: Any,
    truth: Array | None,
    valid_truth: Array | None,
    weights: Array | None,
    places: tuple[int, ...],
) -> FoldData:
    """Return a fold that came as what it is."""
    return FoldData(_frozen(train), _frozen(valid), truth, valid_truth, weights, places)


@dataclass(slots=True)
class FoldStore:
    """Prepared folds of one run: each (recipe, rows) is prepared once and kept while models need it.

    Small ones are kept in memory; large ones in files, so that memory does not grow with the number of folds.
    """

    dataset: Dataset
    seed: int
    scratch: Path
    train_on_normal: bool = False
    _made: dict[tuple[Recipe | None, str], FoldData | InFiles] = field(default_factory=dict)
    _count: int = 0  # of folds ever made: a path is never used twice, for workers keep what they have opened
    _bytes: int = 0  # of those kept in memory

    def get(self, recipe: Recipe | None, name: str, train: Array, valid: Array) -> FoldData:
        """Return the fold's matrices; `name` tells folds apart. recipe None: the tables themselves.

        Raises StorageError when a fold has to lie in files and there is no room for it.
        """
        known = self._made.get((recipe, name))
        if isinstance(known, FoldData):
            return known
        if known is None:
            data = self._make(recipe, train, valid)
            if self._fits(data):
                self._made[recipe, name] = data
                self._bytes += data.size_bytes
                return data
            known = self._made[recipe, name] = lay_down(data)
        return known.open()

    def once(self, recipe: Recipe | None, train: Array, valid: Array) -> FoldData:
        """Return matrices that are not kept: of a fit that is made once."""
        data = self._make(recipe, train, valid)
        return lay_down(data).open() if data.size_bytes >= IN_FILES else data

    def drop(self, keep: set[Recipe | None]) -> None:
        """Forget the folds of recipes that no model needs any more, and remove their files; no fit may be under way."""
        for (recipe, _), data in self._made.items():
            if recipe not in keep:
                shutil.rmtree(data.path, ignore_errors=True)
        self._made = {key: data for key, data in self._made.items() if key[0] in keep}
        self._bytes = sum(data.size_bytes for data in self._made.values() if isinstance(data, FoldData))

    def _fits(self, data: FoldData) -> bool:
        size = data.size_bytes
        return size < IN_FILES and self._bytes + size <= IN_MEMORY

    def _make(self, recipe: Recipe | None, train: Array, valid: Array) -> FoldData:
        dataset, path = self.dataset, str(self.scratch / f"{self._count:04d}")
        self._count += 1
        if self.train_on_normal and dataset.truth is not None:
            train = train[dataset.truth[train] == 0]
        names = [column.name for column in dataset.features]
        features = dataset.table.select(names)
        inside, held_out = features[train], features[valid]
        truth = None if dataset.truth is None else dataset.truth[train]
        fitted_truth = None if dataset.task.kind == "anomaly" else truth
        preparation: Preparation | None = None
        matrix: Any = inside
        valid_matrix: Any = held_out
        if recipe is not None:
            preparation, matrix = learn(recipe, inside, fitted_truth, self.seed)
            valid_matrix = preparation.matrix(held_out)
        return FoldData(
            train=_frozen(matrix),
            valid=_frozen(valid_matrix),
            truth=fitted_truth,
            valid_truth=None if dataset.truth is None else dataset.truth[valid],
            weights=None if dataset.weights is None else dataset.weights[train],
            category_positions=() if preparation is None else preparation.category_positions,
            preparation=preparation,
            path=path,
        )


@dataclass(frozen=True, slots=True)
class InFiles:
    """A fold that lies in files, and what was learned from it."""

    path: str
    preparation: Preparation | None

    def open(self) -> FoldData:
        """Map it into memory, where it is not yet."""
        return replace(open_fold(self.path), preparation=self.preparation)


def lay_down(data: FoldData) -> InFiles:
    """Write a fold into its files; raise StorageError when there is no room."""
    with storing(Path(data.path)):
        _save(data, Path(data.path))
    return InFiles(data.path, data.preparation)


class OpenFolds:
    """The folds that this process has mapped, the last used last; older ones make room."""

    def __init__(self) -> None:
        self.folds: OrderedDict[str, FoldData] = OrderedDict()

    def take(self, path: str) -> FoldData:
        """Return a saved fold, read-only, shared between processes by the system."""
        if path in self.folds:
            self.folds.move_to_end(path)
            return self.folds[path]
        self.folds[path] = data = _read(Path(path))
        size = sum(each.size_bytes for each in self.folds.values())
        while len(self.folds) > 1 and (size > OPEN_BYTES or len(self.folds) > OPEN_FOLDS):
            size -= self.folds.popitem(last=False)[1].size_bytes
        return data


OPEN = OpenFolds()


def open_fold(path: str) -> FoldData:
    """Map a saved fold into memory, or return it where it is mapped already."""
    return OPEN.take(path)


def _read(folder: Path) -> FoldData:
    facts = json.loads((folder / "fold.json").read_text("utf-8"))
    return FoldData(
        train=_load(folder, "train"),
        valid=_load(folder, "valid"),
        truth=_load(folder, "truth"),
        valid_truth=_load(folder, "valid_truth"),
        weights=_load(folder, "weights"),
        category_positions=tuple(facts["category_positions"]),
        path=str(folder),
    )


def _frozen(matrix: Any) -> Any:
    """Make a matrix read-only, as it is in a worker: what a family may do must not depend on where it runs."""
    if isinstance(matrix, np.ndarray):
        matrix.flags.writeable = False
    return matrix


def _save(data: FoldData, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    parts: Mapping[str, Any] = {
        "train": data.train,
        "valid": data.valid,
        "truth": data.truth,
        "valid_truth": data.valid_truth,
        "weights": data.weights,
    }
    for name, part in parts.items():
        if isinstance(part, pl.DataFrame):
            part.write_ipc(folder / f"{name}.arrow")
        elif sparse.issparse(part):
            for piece in ("data", "indices", "indptr"):
                np.save(folder / f"{name}.{piece}.npy", getattr(part, piece))
            np.save(folder / f"{name}.shape.npy", np.asarray(part.shape))
        elif part is not None:
            np.save(folder / f"{name}.npy", part)
    facts = {"category_positions": list(data.category_positions)}
    (folder / "fold.json").write_text(json.dumps(facts), "utf-8")


def _load(folder: Path, name: str) -> Any:
    if (folder / f"{name}.arrow").exists():
        return pl.read_ipc(folder / f"{name}.arrow")
    if (folder / f"{name}.shape.npy").exists():
        # scipy keeps no read-only index arrays everywhere, and these are small beside a worker: copy them
        pieces = tuple(np.load(folder / f"{name}.{piece}.npy") for piece in ("data", "indices", "indptr"))
        matrix = sparse.csr_matrix(pieces, shape=tuple(np.load(folder / f"{name}.shape.npy")), copy=False)
        matrix.has_sorted_indices = True
        return matrix
    path = folder / f"{name}.npy"
    return np.load(path, mmap_mode="r").view(np.ndarray) if path.exists() else None
