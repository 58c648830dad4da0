"""From what a spec says of preparation, and what a family needs, to what is to be learned of each kind of column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mlrun.contracts import ModelFamily
    from mlrun.records import Column, ColumnKind, TaskKind
    from mlrun.spec import PrepareSpec

FALLBACK: Literal["one_hot"] = "one_hot"  # where `native` is asked of a family that takes no categories

Scale = Literal["standard", "minmax", "robust", "none"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is to be learned, equal for all trials of a model: models with equal recipes share prepared folds."""

    columns: tuple[tuple[str, ColumnKind], ...]
    impute: Literal["median", "mean", "most_frequent", "zero", "none"]
    scale: Scale
    encode: Literal["one_hot", "ordinal", "target", "native"]
    rare: int
    text: Literal["tfidf", "counts", "binary", "hashing"]
    ngrams: tuple[int, int]
    max_terms: int | None
    lowercase: bool
    dense: bool
    task: TaskKind

    def of(self, *kinds: ColumnKind) -> list[str]:
        """Return the names of the columns of these kinds, in order."""
        return [name for name, kind in self.columns if kind in kinds]


def recipe_for(family: ModelFamily, prepare: PrepareSpec, features: Sequence[Column], task: TaskKind) -> Recipe:
    """Return what the spec says, and where it is silent what the family needs."""
    scale: Scale = "minmax" if "non_negative" in family.needs else "standard" if "scaling" in family.needs else "none"
    encode = prepare.category.encode or "one_hot"
    return Recipe(
        columns=tuple((column.name, column.kind) for column in features),
        impute=prepare.numeric.impute or ("none" if "missing" in family.takes else "median"),
        scale=prepare.numeric.scale or scale,
        encode=FALLBACK if encode == "native" and "categories" not in family.takes else encode,
        rare=10 if prepare.category.rare is None else prepare.category.rare,
        text=prepare.text.encode or "tfidf",
        ngrams=prepare.text.ngrams or (1, 1),
        max_terms=prepare.text.max_terms,
        lowercase=True if prepare.text.lowercase is None else prepare.text.lowercase,
        dense="dense" in family.needs,
        task=task,
    )
