"""From a column and the values given on standard input to whom they mean: in a column, in a text, in a key."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import groupby
from os.path import commonprefix
from typing import TYPE_CHECKING, Any

from mlrun.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

WORD = "ERASED"  # what stands in the place of a value; plain in YAML, JSON, SQL and Python
HIDDEN = "[the value]"
FEWEST_CHARACTERS, FEWEST_DIGITS, FEWEST_RAW = 3, 6, 6
NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?(\.?[eE][+-]?[0-9]{1,2})?", re.ASCII)
TERM = re.compile(r"\b\w\w+\b")  # what scikit-learn's vectorizers take for a word
A_NUMBER = "(number)"  # the last name of a piece that is one: only right below the column's name it may be an id
NEAR = 4  # so near above a text, the column's name says that the text is a value of it
AT_MOST = 10_000  # values in one go
DEEPEST = 40  # alternatives in alternatives


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its text in Unicode's composed form, without blanks around it, and its number, where it is one.

    telling: long enough to be known anywhere; a shorter one is looked for only in places of its own column.
    """

    text: str
    number: Decimal | None
    telling: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A text found in a file: where, below which names (columns, keys), and whether it is bytes nobody could read."""

    place: str
    text: str
    names: tuple[str, ...] = ()
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The person: a column and its values. Never printed; `hide` takes the values out of what is."""

    column: str
    values: tuple[Value, ...]
    exact: frozenset[str] = field(default=frozenset())
    folded: frozenset[str] = field(default=frozenset())
    numbers: frozenset[Decimal] = field(default=frozenset())
    anywhere: re.Pattern[str] | None = None
    in_bytes: re.Pattern[str] | None = None
    after_column: re.Pattern[str] | None = None

    def is_named_by(self, value: Any) -> bool:
        """Say whether a value of the column means the person: 7 is 7.0, a text is what it says."""
        if value is None:
            return False
        if isinstance(value, bool):
            return str(value).casefold() in self.folded
        if isinstance(value, (int, float)):
            return as_number(repr(value)) in self.numbers
        return composed(value.isoformat(sep=" ") if hasattr(value, "hour") else str(value)) in self.exact

    def is_like(self, value: Any) -> bool:
        """Say whether a text would mean the person if case, or how a number is written, did not count."""
        text = composed(str(value))
        return text.casefold() in self.folded or as_number(text) in self.numbers

    def rows_of(self, column: pl.Series) -> tuple[pl.Series, int]:
        """Return where the person is in a column, (n,) booleans, and how many other rows are only like it."""
        import polars as pl

        known = [value for value in column.unique().to_list() if value is not None]
        meant = [value for value in known if self.is_named_by(value)]
        alike = [value for value in known if not self.is_named_by(value) and self.is_like(value)]
        rows = column.is_in(pl.Series(meant, dtype=column.dtype).implode()).fill_null(value=False)
        near = column.is_in(pl.Series(alike, dtype=column.dtype).implode()).fill_null(value=False)
        return rows, int(near.sum())

    def stands_in(self, piece: Piece) -> bool:
        """Say whether a piece of a file holds one of the values as a whole word, not as a part of another."""
        if piece.raw:
            return self.in_bytes is not None and self.in_bytes.search(piece.text) is not None
        if piece.names[-1:] == (A_NUMBER,):
            return piece.names[-2:-1] == (self.column,) and self.is_named_by_text(piece.text)
        return self.replaced(piece.text, piece.names) != piece.text

    def is_named_by_text(self, text: str) -> bool:
        """Say whether a text in a place of the column means the person; a number there may be written in any way."""
        return composed(text) in self.exact or as_number(composed(text)) in self.numbers

    def replaced(self, text: str, names: Sequence[str] = ()) -> str:
        """Return the text with a word in place of each value that it holds; the text itself where it holds none."""
        if self.column in names[-NEAR:]:
            return WORD if self.is_named_by_text(text) else text
        whole = text if text.isascii() else unicodedata.normalize("NFC", text)
        changed = whole if self.anywhere is None else self.anywhere.sub(WORD, whole)
        if self.after_column is not None:
            changed = self.after_column.sub(lambda match: match["before"] + WORD, changed)
        return text if changed == whole else changed

    def hide(self, text: str) -> str:
        """Return what may be shown of a text: names of files and the like may hold a value."""
        return text if self.anywhere is None else self.anywhere.sub(HIDDEN, text)

    def spelled_by(self, terms: Iterable[str]) -> bool:
        """Say whether every word of a telling value is among the terms of a vocabulary, in whatever case."""
        known = {term.casefold() for term in terms}
        wanted = [TERM.findall(each.text.casefold()) for each in self.values if each.telling]
        return any(words and all(word in known for word in words) for words in wanted)

    def has_term(self, term: str) -> bool:
        """Say whether a term of a vocabulary is a word of a telling value."""
        return any(term.casefold() in TERM.findall(each.text.casefold()) for each in self.values if each.telling)


def make_subject(column: str, texts: Iterable[str]) -> Subject:
    """Return whom the values mean; blank ones count as none.

    Raises UsageError when there is none, or too many; what was given is never in a message.
    """
    known = list(dict.fromkeys(text for text in map(composed, texts) if text))
    if not known:
        raise UsageError("no value was given: write it to standard input, one a line")
    if len(known) > AT_MOST:
        raise UsageError(f"{len(known):,} values are too many for one go; give at most {AT_MOST:,}")
    values = tuple(value_of(text) for text in known)
    telling = [each for each in values if each.telling]
    short = [each for each in values if not each.telling]
    long = [each.text for each in telling if len(each.text) >= FEWEST_RAW]
    before = rf"(?P<before>(?<!\w){re.escape(composed(column))}[^\w\n]{{1,5}})"
    return Subject(
        column=column,
        values=values,
        exact=frozenset(known),
        folded=frozenset(text.casefold() for text in known),
        numbers=frozenset(each.number for each in values if each.number is not None),
        anywhere=any_of(telling),
        in_bytes=in_bytes_of(long),
        after_column=any_of(short, before),
    )


def in_bytes_of(texts: Sequence[str]) -> re.Pattern[str] | None:
    """Return a pattern for values among bytes that nobody could read: as they are written, not as parts of longer ones.

    There nothing says where a text ends, so what a blank, a hyphen, a dot or an @ joins to more letters is another one.
    """
    word = "[0-9A-Za-z_]"
    left, right = rf"(?<!{word})(?<!{word}[- .@])", rf"(?!{word})(?![- .@]{word})"
    return re.compile(left + f"(?:{one_of(dict.fromkeys(texts, ''))})" + right) if texts else None


def any_of(values: Sequence[Value], before: str = "") -> re.Pattern[str] | None:
    """Return one pattern for all values where they are whole words, the longest first; None for none."""
    if not values:
        return None
    alike: dict[str, dict[str, str]] = {}
    for value in sorted(values, key=lambda each: (each.number is not None, "-" not in each.text)):
        left, right = edges_of(value)
        alike.setdefault(left, {})[small(value.text)] = right
    found = "|".join(f"{left}(?:{one_of(ends)})" for left, ends in alike.items())
    return re.compile(f"{before}(?:{found})", re.IGNORECASE)


def one_of(ends: Mapping[str, str], depth: int = 0) -> str:
    """Return a pattern for one of many texts, the longest first; what several begin with is looked at once.

    ends: text → pattern of what must follow it. So 10,000 values cost hardly more than one.
    """
    texts = sorted(ends, reverse=True)
    if depth > DEEPEST:
        return "|".join(re.escape(text) + ends[text] for text in texts)
    found = []
    for _, group in groupby(texts, key=lambda text: text[:1]):
        same = list(group)
        begin = commonprefix((same[0], same[-1]))  # noqa: RUF071 - of texts in order, not of paths
        rest = {text[len(begin) :]: ends[text] for text in same}
        found.append(re.escape(begin) + (f"(?:{one_of(rest, depth + 1)})" if len(rest) > 1 else ends[same[0]]))
    return "|".join(found)


def small(text: str) -> str:
    """Return a text in small letters as far as one letter becomes one: so values share what they begin with."""
    return "".join(lower if len(lower := letter.lower()) == 1 else letter for letter in text)


def value_of(text: str) -> Value:
    """Return a value; a text of three characters, a number of six digits can be known wherever they stand."""
    number = as_number(text)
    digits = sum(character.isdigit() for character in text)
    telling = len(text) >= FEWEST_CHARACTERS if number is None else digits >= FEWEST_DIGITS
    return Value(text, number, telling)


def edges_of(value: Value) -> tuple[str, str]:
    """Return patterns of what is around a value that is a whole word: 7 is none of 17, 0.7 and 7.5, but of 'no 7.'."""
    if value.number is not None:
        return r"(?<!\w)(?<![0-9][.,])(?<![.])", r"(\.0+)?(?![.,]?[0-9])(?!\w)"
    left = r"(?<!\w)" if is_of_word(value.text[0]) else ""
    right = r"(?!\w)" if is_of_word(value.text[-1]) else ""
    if "-" in value.text:  # then a hyphen joins: u-1 is no part of u-1-2
        left, right = left and r"(?<!\w)(?<!\w-)", right and r"(?!\w)(?!-\w)"
    return left, right


def is_of_word(character: str) -> bool:
    return re.match(r"\w", character) is not None


def composed(text: str) -> str:
    """Return a text in Unicode's composed form, without blanks around it."""
    return unicodedata.normalize("NFC", text).strip()


def as_number(text: str) -> Decimal | None:
    """Return the number that a text is, exactly; None when it is none."""
    if not NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
