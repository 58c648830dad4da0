"""Template: sentences of the author's own, filled with words; those of a group differ in one word only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import Formatter
from typing import TYPE_CHECKING, Any

from mlrun.catalog import suggestion
from mlrun.change.rows import Told, as_list, part, typical_rows
from mlrun.check_contracts import Edit, Variant
from mlrun.errors import MlrunError
from mlrun.kinds import AnyOf, ColumnName, Fields, ListOf, MappingOf, Parameter, Word
from mlrun.records import Dataset

if TYPE_CHECKING:
    import polars as pl

WORDS = AnyOf(Word(), ListOf(Word()))
VARIED = 50  # words at most that a group differs in
GROUPS = 10_000  # sentences at most; where words make more, they are taken evenly
LONGEST = 10_000_000  # characters of a file of words


def own_rows(value: Any, dataset: Dataset) -> pl.DataFrame:
    """Return a row for each group, with the first word of those that vary; the other columns as they usually are."""
    import polars as pl

    name = column_of(value, dataset)
    bases = list(dict.fromkeys(base for base, _ in groups(value, words_of(value, dataset))))
    return typical_rows(dataset, len(bases)).with_columns(pl.Series(name, bases))


def variants(value: Any, dataset: Dataset) -> tuple[Variant, ...]:
    """Return one variant for each further word: the same sentences with that one."""
    name, words, vary = column_of(value, dataset), words_of(value, dataset), varied(value)
    known = dict(groups(value, words))
    return tuple(
        Variant(f"{vary} = {word}", filler(name, {base: fill({vary: word}) for base, fill in known.items()}))
        for word in words[vary][1:]
    )


def filler(name: str, sentences: Mapping[str, str]) -> Callable[[pl.DataFrame, Any], pl.DataFrame]:
    def apply(rows: pl.DataFrame, generator: Any) -> pl.DataFrame:  # noqa: ARG001 - the edits' signature
        import polars as pl

        return rows.with_columns(pl.Series(name, [sentences[base] for base in rows[name].to_list()], dtype=pl.String))

    return apply


Fill = Callable[[Mapping[str, str]], str]


def groups(value: Any, words: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Fill]]:
    """Yield each group's first sentence, and what fills its sentence with another word."""
    templates, vary = as_list(value["template"]), varied(value)
    for template in templates:
        others = [name for name in names_in(template) if name != vary]
        total = math.prod(len(words[name]) for name in others)
        step = max(1, math.ceil(total * len(templates) / GROUPS))
        for number in range(0, total, step):
            chosen, rest = {}, number
            for name in others:
                rest, place = divmod(rest, len(words[name]))
                chosen[name] = words[name][place]
            fill = filling(template, chosen)
            yield fill({vary: words[vary][0]}), fill


def filling(template: str, chosen: Mapping[str, str]) -> Fill:
    return lambda more: template.format(**{**chosen, **more})


def names_in(template: str) -> tuple[str, ...]:
    """Return the names in braces, each once; raise ValueError for a brace that is not closed, or holds more."""
    found: dict[str, None] = {}
    for _, name, form, conversion in Formatter().parse(template):
        if form or conversion:  # {name:99999999} would fill the memory with blanks
            raise ValueError(template)
        if name is not None:
            found[name] = None
    return tuple(found)


def varied(value: Any) -> str:
    return str(part(value, "vary") or next(iter(value["fill"])))


def words_of(value: Any, dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Return the words of each name, those of a file read; of the name that varies at most VARIED, taken evenly."""
    found = {name: read_words(given, dataset) for name, given in value["fill"].items()}
    vary = varied(value)
    step = max(1, math.ceil(len(found[vary]) / VARIED))
    return {**found, vary: found[vary][::step]}


def read_words(given: Any, dataset: Dataset) -> tuple[str, ...]:
    """Return a list of words as it is, of a file its lines; raise DataError when there is no such file."""
    from mlrun.errors import DataError
    from mlrun.table.files import resolve_file

    if not isinstance(given, str):
        return tuple(map(str, given))
    path = resolve_file(given, dataset.folder)
    try:
        with path.open(encoding="utf-8") as file:
            lines = file.read(LONGEST).splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text in UTF-8; write one word a line") from error
    words = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not words:
        raise DataError(f"{path} holds no words; write one a line")
    return words


def column_of(value: Any, dataset: Dataset) -> str:
    """Return the column that is named, else the only text feature; '' when that is not plain."""
    named = part(value, "column")
    texts = [column.name for column in dataset.features if column.kind == "text"]
    return str(named) if named else texts[0] if len(texts) == 1 else ""


def problems(value: Any, dataset: Dataset) -> Iterator[Told]:
    """Tell a column that is no text, names without words, words that are not used, and files that cannot be read."""
    import polars as pl

    if not value["fill"]:
        yield ("fill",), "there are no words to fill a template with; write {name: [words]}"
        return
    name = column_of(value, dataset)
    if not name:
        yield ("template",), "the data has not one text column but several or none; name one with `column`"
    elif name not in dataset.table.columns:
        yield ("column",), f"there is no column '{name}'{suggestion(name, dataset.table.columns)}"
    elif dataset.table.schema[name] != pl.String:
        yield ("column",), f"the column '{name}' holds no text ({dataset.table.schema[name]})"
    yield from tell_names(value)
    for key, given in value["fill"].items():
        try:
            read_words(given, dataset)
        except MlrunError as error:
            yield ("fill", key), str(error)


def tell_names(value: Any) -> Iterator[Told]:
    """Tell what templates and words do not have in common."""
    vary = varied(value)
    used: set[str] = set()
    if vary not in value["fill"]:
        yield ("vary",), f"there are no words for '{vary}'{suggestion(vary, value['fill'])}"
    for template in as_list(value["template"]):
        try:
            names = names_in(template)
        except ValueError:
            yield ("template",), f"the braces of `{template}` do not fit; write {{{{ for a brace that is meant as it is"
            return
        used.update(names)
        for name in names:
            if name not in value["fill"]:
                yield (
                    ("template",),
                    f"`{template}` is not filled: no words for '{name}'{suggestion(name, value['fill'])}",
                )
        if vary not in names:
            yield ("template",), f"`{template}` has no {{{vary}}}, which is what varies"
    for name in value["fill"]:
        if name not in used and name != vary:
            yield ("fill", name), f"no template has a {{{name}}}{suggestion(name, used)}"


ENTRY = Edit(
    value=Fields(
        {
            "template": Parameter(WORDS, None, "sentences with names in braces", required=True),
            "fill": Parameter(MappingOf(WORDS), None, "name: its words, or a file with one a line", required=True),
            "vary": Parameter(Word(), None, "the name in which a group's sentences differ; the first one"),
            "column": Parameter(ColumnName(), None, "the column of text; the only one"),
        }
    ),
    columns=lambda value, dataset: (column_of(value, dataset),),
    variants=variants,
    problems=problems,
    text=True,
    beside=("fill", "vary", "column"),
    own_rows=own_rows,
)
