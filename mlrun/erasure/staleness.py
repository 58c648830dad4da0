"""From a stored model and an erased person to what it still holds of them: rows, an identifier, or a trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun import catalog
from mlrun.comparison.origins import read_object
from mlrun.contracts import ModelFamily
from mlrun.erasure.decoding import pieces
from mlrun.erasure.subject import TERM, Subject
from mlrun.errors import MlrunError
from mlrun.store.run_record import ModelRecord, Stale

if TYPE_CHECKING:
    from mlrun.erasure.whereabouts import Found

ORDER: tuple[Stale, ...] = ("", "influenced", "contains-identifier", "contains-verbatim")
CONTAINS = "contains-"
TERMS, CATEGORIES = "vocabulary_", "vocabularies"  # where scikit-learn's vectorizers and mlrun's recipes keep them


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What only the person's rows held: column → categories, and the words of texts, that no other row has."""

    categories: Mapping[str, frozenset[str]]
    terms: frozenset[str]


def stale_of(run: Path, model: ModelRecord, content: bytes, subject: Subject, *, trained: bool, own: OwnWords) -> Stale:
    """Return what a stored model holds of the person; "" for nothing.

    trained: the person's rows were among those that the run's models were fitted on. Whether rows are in it is what
    its family says of itself and of its members; an author's own family that says nothing is taken to keep them.
    """
    if trained and any(keeps_rows(family) for family in families_of(run, model)):
        return "contains-verbatim"
    if content and names_them(content, subject, own):
        return "contains-identifier"
    return "influenced" if trained else ""


def worse(one: Stale, other: Stale) -> Stale:
    """Return the heavier of two words, so that a later erasure never lightens an earlier one."""
    return max(one, other, key=ORDER.index)


def keeps_rows(family: str) -> bool:
    """Say whether a family stores rows; nobody can tell of an author's own unless it says so."""
    if ":" in family:
        return True
    try:
        entry = catalog.find("models", family)
    except MlrunError:  # a family of another version of mlrun
        return True
    return isinstance(entry, ModelFamily) and entry.stores_rows


def families_of(run: Path, model: ModelRecord) -> Iterator[str]:
    """Yield a model's family, and those of the models that it is made of, as the run's spec says."""
    yield model.family
    resolved = read_object(run / "spec.resolved.json") or {}
    models: Mapping[str, Any] = resolved["models"] if isinstance(resolved.get("models"), dict) else {}
    waiting, seen = [model.name], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in models:  # `meta` may be a family by its name
            yield from [] if name == model.name else [name]
            continue
        said = models[name]
        yield str(said["family"])
        waiting += [*said["members"], *(said[key] for key in ("base", "meta") if said[key])]


def names_them(content: bytes, subject: Subject, own: OwnWords) -> bool:
    """Say whether a model file holds the value, its words in a vocabulary, or what only the person's rows held."""
    terms: set[str] = set()
    for piece in pieces(content, "model.skops", subject.column):
        if subject.stands_in(piece):
            return True
        if TERMS in piece.names[-3:]:
            terms.add(piece.text.casefold())
        column = category_column(piece.names)
        if column in own.categories and piece.text in own.categories[column]:
            return True
    return subject.spelled_by(terms) or not own.terms.isdisjoint(terms)


def category_column(names: Sequence[str]) -> str:
    """Return the column whose categories stand below these names in a model file; "" for another place."""
    if CATEGORIES not in names:
        return ""
    below = [name for name in names[names.index(CATEGORIES) + 1 :] if name != "content"]
    return below[0] if below else ""


def own_words(found: Sequence[Found], features: Sequence[tuple[str, str]]) -> OwnWords:
    """Return what only the person's rows hold, of the columns of categories and texts."""
    import polars as pl

    categories: dict[str, frozenset[str]] = {}
    terms: set[str] = set()
    for name, kind in features:
        if kind not in ("category", "text"):
            continue
        theirs: set[str] = set()
        others: set[str] = set()
        for each in found:
            if name in each.table.columns:
                column = each.table[name].cast(pl.String)
                theirs |= set(column.filter(each.rows).drop_nulls().to_list())
                others |= set(column.filter(~each.rows).drop_nulls().to_list())
        if kind == "category":
            categories[name] = frozenset(theirs - others)
        elif theirs:
            terms |= words_of(theirs) - words_of(others)
    return OwnWords(categories, frozenset(terms))


def words_of(texts: set[str]) -> set[str]:
    return {word for text in texts for word in TERM.findall(text.casefold())}
