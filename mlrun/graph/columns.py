"""From the columns of a table, as a graph gets them, to the matrix that a stored preparation makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun.graph.dates import date_parts
from mlrun.graph.writing import ML, CannotWrite, Graph, Rows
from mlrun.prepare import MISSING, UNSEEN, Preparation

if TYPE_CHECKING:
    from mlrun.recipes import Recipe
    from mlrun.records import Array

CELLS = 5_000_000  # of the table of what is said of each category: 40 MB in the file
NO_CATEGORY = ""  # how a missing category is written; ONNX has no null
NO_DATE = np.iinfo(np.int64).min


def input_types(recipes: list[Recipe]) -> dict[str, type]:
    """Return the columns that are read, each with the type of its input: float64, str, or int64 for dates.

    Raises CannotWrite for a column that has no equal in ONNX.
    """
    found: dict[str, type] = {}
    for recipe in recipes:
        for name, kind in recipe.columns:
            if kind == "text":
                raise CannotWrite(f"column '{name}' is text, and ONNX does not cut text into words as the model does")
            found[name] = {"category": str, "date": np.int64}.get(kind, np.float64)
    return found


def prepared(graph: Graph, preparation: Preparation, rows: Rows) -> Rows:
    """Write a preparation; return the rows with their matrix."""
    recipe = preparation.recipe
    blocks = []
    if "numeric" in preparation.transformers:
        blocks.append(scaled(graph, preparation.transformers["numeric"], numbers(graph, recipe, rows)))
    if "category" in preparation.transformers:
        blocks += [encoded(graph, preparation, place, rows) for place in range(len(preparation.vocabularies))]
    return replace(rows, matrix=graph.side_by_side(blocks), width=preparation.width)


# -- numbers, booleans, dates -----------------------------------------------------------------------------------------


def numbers(graph: Graph, recipe: Recipe, rows: Rows) -> str:
    """Return (n, d) float64 with NaN for what is missing, in the order of mlrun.prepare."""
    found: list[str] = []
    for name, kind in recipe.columns:
        if kind in ("numeric", "boolean"):
            found.append(rows.columns[name])
        elif kind == "date":
            found += date_parts(graph, rows.columns[name], name in rows.hours, NO_DATE)
    return graph.side_by_side(found)


def scaled(graph: Graph, steps: list[Any], block: str) -> str:
    """Write scikit-learn's fitted steps, one after the other."""
    for step in steps:
        block = STEPS[type(step).__name__](graph, step, block)
    return block


def filled(graph: Graph, step: Any, block: str) -> str:
    values = np.asarray(step.statistics_, dtype=np.float64)
    known = np.where(np.isnan(values), 0.0, values)  # of an empty column: keep_empty_features
    return graph.node("Where", graph.node("IsNaN", block), known, block)


def standardised(graph: Graph, step: Any, block: str) -> str:
    return graph.node("Div", graph.node("Sub", block, step.mean_), step.scale_)


def centred(graph: Graph, step: Any, block: str) -> str:
    return graph.node("Div", graph.node("Sub", block, step.center_), step.scale_)


def stretched(graph: Graph, step: Any, block: str) -> str:
    moved = graph.node("Add", graph.node("Mul", block, step.scale_), step.min_)
    if not step.clip:
        return moved
    return graph.node("Clip", moved, np.array(float(step.feature_range[0])), np.array(float(step.feature_range[1])))


STEPS = {
    "SimpleImputer": filled,
    "StandardScaler": standardised,
    "RobustScaler": centred,
    "MinMaxScaler": stretched,
}


# -- categories -------------------------------------------------------------------------------------------------------


def encoded(graph: Graph, preparation: Preparation, place: int, rows: Rows) -> str:
    """Return what the encoder makes of a column: found by its category in a table of what is said of each."""
    name, vocabulary = list(preparation.vocabularies.items())[place]
    if NO_CATEGORY in vocabulary:
        raise CannotWrite(f"column '{name}' has the empty text as a category, which stands for a missing one in ONNX")
    code = graph.node(
        "LabelEncoder",
        rows.columns[name],
        domain=ML,
        keys_strings=[NO_CATEGORY, *vocabulary],
        values_int64s=[MISSING - UNSEEN, *range(-UNSEEN, len(vocabulary) - UNSEEN)],
        default_int64=0,
    )
    return graph.node("Gather", said_of_codes(preparation, place, name), graph.flat(code), axis=0)


def said_of_codes(preparation: Preparation, place: int, name: str) -> Array:
    """Return (codes, columns) what the encoder says of an unseen category, a missing one, then each that it knows."""
    from scipy import sparse

    from mlrun.encoders import widths_of

    count = len(preparation.vocabularies[name]) - UNSEEN
    columns = len(preparation.vocabularies)
    every = np.full((count, columns), UNSEEN, dtype=np.int64)
    every[:, place] = np.arange(UNSEEN, count + UNSEEN)
    encoder = preparation.transformers["category"]
    block = encoder.transform(every)
    ends = np.concatenate([[0], np.cumsum(widths_of(encoder, block.shape[1]))])
    width = int(ends[place + 1] - ends[place])
    if count * width > CELLS:
        raise CannotWrite(f"column '{name}' has {count:,} categories; set `rare` or another `encode` for fewer columns")
    own = block[:, ends[place] : ends[place + 1]]
    return np.asarray(own.toarray() if sparse.issparse(own) else own, dtype=np.float64)
