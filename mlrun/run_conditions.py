"""From a condition such as "roc_auc > 0.9 AND model = 'xgboost'" to a test of runs; it can read and run nothing else.

The language is a small part of SQL, read by a parser of our own: names, numbers, 'texts', TRUE and FALSE; = != <> < <=
> >=, IN (...), LIKE, BETWEEN ... AND, IS NULL, each with NOT; AND, OR, NOT, parentheses. Logic has three values: where
a run has nothing to compare, a comparison is neither true nor false, and nor is its negation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from mlrun.errors import SpecError, UsageError
from mlrun.records import Place, Problem
from mlrun.run_fields import Field, Kind, Names, Read
from mlrun.store.run_row import IndexRow
from mlrun.three_valued import Test, all_of, among, any_of, compared, compares, holds, like, missing, moment, negated

LENGTH_AT_MOST, DEPTH_AT_MOST = 2_000, 50
TOKEN = re.compile(
    r"""(?P<blank>\s+) | (?P<text>'(?:[^']|'')*') | (?P<quoted>"(?:[^"]|"")+")
      | (?P<number>-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?!\w))
      | (?P<word>[^\W\d]\w*(?:\.[^\W\d]\w*|\.(?="))?)
      | (?P<sign><>|<=|>=|!=|==|[<>=]) | (?P<mark>[(),]) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
CURLED = "“”„‟‘’‚‛«»`´"
KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "LIKE", "BETWEEN", "IS", "NULL", "TRUE", "FALSE"})
TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
NOUNS: dict[Kind, str] = {
    "text": "text",
    "number": "a number",
    "time": "a time",
    "flag": "true or false",
    "tags": "a set of tags",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """The test that a condition is, and the fields that it names, in their order."""

    test: Test
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a condition: its kind, its text (a keyword in capitals), and where it begins."""

    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"'{self.text}'"


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison: a field, or a value as it was written."""

    kind: Kind
    token: Token
    field: Field | None = None
    value: Any = None

    @property
    def read(self) -> Read:
        return (lambda row: self.value) if self.field is None else self.field.read

    def __str__(self) -> str:
        return self.token.text if self.field is None else self.field.name


def parse(condition: str, names: Names) -> Condition:
    """Return what a condition means of runs; raise SpecError with the place when it means nothing."""
    if len(condition) > LENGTH_AT_MOST:
        raise UsageError(f"a condition has at most {LENGTH_AT_MOST:,} characters; this one has {len(condition):,}")
    reader = Reader(condition, names)
    test = reader.either()
    if reader.here.kind != "end":
        reader.fail(reader.here, f"{reader.here} has no place here", "AND, OR or the end must follow.")
    return Condition(test, tuple(reader.fields))


def select(rows: Sequence[IndexRow], conditions: Sequence[Condition]) -> list[IndexRow]:
    """Return the rows for which all conditions are true."""
    tests = [condition.test for condition in conditions]
    return [row for row in rows if all(test(row) for test in tests)]


def split(condition: str) -> Iterator[Token]:
    """Yield the pieces of a condition, the end as the last one."""
    for match in TOKEN.finditer(condition):
        kind, text = str(match.lastgroup), match[0]
        if kind == "word" and text.upper() in KEYWORDS:
            yield Token("keyword", text.upper(), match.start())
        elif kind != "blank":
            yield Token(kind, text, match.start())
    yield Token("end", "", len(condition))


class Reader:
    """A condition that is read from left to right, by recursive descent: a method for each rule of the grammar."""

    def __init__(self, condition: str, names: Names) -> None:
        self.fields: dict[Field, None] = {}
        self._condition = condition.replace("\n", " ")
        self._names = names
        self._tokens = list(split(self._condition))
        self._place = 0
        self._depth = 0

    @property
    def here(self) -> Token:
        return self._tokens[self._place]

    def fail(self, token: Token, message: str, cure: str = "") -> NoReturn:
        raise SpecError([Problem(message, Place("--where", 0, token.at + 1, self._condition), cure)])

    def take(self, *texts: str) -> Token | None:
        """Return the next token and go on, when it is one of these keywords or marks."""
        token = self.here
        if token.kind not in ("keyword", "mark") or token.text not in texts:
            return None
        self._place += 1
        return token

    def need(self, text: str, where: str) -> None:
        if not self.take(text):
            self.fail(self.here, f"'{text}' is missing {where}, {place_of(self.here)}")

    def either(self) -> Test:
        """Read either = both {OR both}."""
        tests = [self.both()]
        while self.take("OR"):
            tests.append(self.both())
        return any_of(tests)

    def both(self) -> Test:
        """Read both = one {AND one}."""
        tests = [self.one()]
        while self.take("AND"):
            tests.append(self.one())
        return all_of(tests)

    def one(self) -> Test:
        """Read one = {NOT} ( '(' either ')' | comparison )."""
        turned = False
        while self.take("NOT"):
            turned = not turned
        opened = self.take("(")
        if opened:
            self._depth += 1
            if self._depth > DEPTH_AT_MOST:
                self.fail(opened, f"more than {DEPTH_AT_MOST} parentheses are open here")
            test = self.either()
            self.need(")", "after what the parenthesis holds")
            self._depth -= 1
        else:
            test = self.comparison()
        return negated(test) if turned else test

    def comparison(self) -> Test:
        """Read comparison = operand [sign operand | IS [NOT] NULL | [NOT] (IN ... | LIKE ... | BETWEEN ...)]."""
        left, sign = self.operand(), self.here
        if sign.kind == "sign":
            self._place += 1
            return self.compare(left, sign, self.operand(left))
        if self.take("IS"):
            turned = self.take("NOT")
            self.need("NULL", "after IS")
            return negated(missing(left.read)) if turned else missing(left.read)
        turned = self.take("NOT")
        rules: dict[str, Callable[[Operand], Test]] = {"IN": self.listed, "LIKE": self.liked, "BETWEEN": self.between}
        word = self.take(*rules)
        if word:
            test = rules[word.text](left)
            return negated(test) if turned else test
        if turned:
            self.fail(self.here, f"after NOT comes IN, LIKE or BETWEEN, not {self.here}")
        if left.kind != "flag":
            self.fail(self.here, f"{left} is {NOUNS[left.kind]}: it must be compared with something", example(left))
        return left.read

    def compare(self, left: Operand, sign: Token, right: Operand) -> Test:
        """Return a comparison of two sides of one kind; != and <> are the negation of =."""
        if sign.text in ("!=", "<>", "=="):
            test = self.compare(left, Token("sign", "=", sign.at), right)
            return test if sign.text == "==" else negated(test)
        if left.field is None and right.field is not None:
            return self.compare(right, Token("sign", TURNED[sign.text], sign.at), left)
        right = self.alike(left, right)
        if sign.text != "=" and left.kind in ("flag", "tags"):
            self.fail(sign, f"{left} is {NOUNS[left.kind]}, which has no order", "Use = or !=.")
        if right.field is not None:
            return compared(sign.text, left.read, right.read)
        return holds(left.kind, left.read, compares(sign.text, right.value))

    def alike(self, left: Operand, right: Operand) -> Operand:
        """Return the right side as of the left one's kind; refuse to compare text with a number."""
        written = right.field is None and right.kind == "text"
        if left.kind == "tags" and written:
            return right
        if left.kind == "time" and written:
            span = moment(right.value)
            if span is None:
                self.fail(right.token, f"{right} is no date", "Write '2026-01-31' or '2026-01-31 08:00'.")
            return Operand("time", right.token, value=span)
        if left.kind != right.kind or left.kind == "tags":
            cure = "Numbers stand bare, texts in single quotes." if "text" in (left.kind, right.kind) else ""
            told = f"{left} is {NOUNS[left.kind]} and {right} is {NOUNS[right.kind]}: they cannot be compared"
            self.fail(right.token, told, cure)
        return right

    def listed(self, left: Operand) -> Test:
        """Read '(' value {',' value} ')' after IN."""
        self.need("(", "after IN")
        values = [self.value(left)]
        while self.take(","):
            values.append(self.value(left))
        self.need(")", "after the values of IN")
        return holds(left.kind, left.read, among(values))

    def value(self, left: Operand) -> Any:
        operand = self.alike(left, self.operand(left))
        if operand.field is not None:
            self.fail(operand.token, f"IN takes values, no names such as {operand}")
        return operand.value

    def liked(self, left: Operand) -> Test:
        """Read a pattern after LIKE."""
        right = self.operand(left)
        if left.kind not in ("text", "tags") or right.kind != "text" or right.field is not None:
            self.fail(right.token, "LIKE takes a text and a pattern", "For example: model LIKE 'xg%'.")
        return holds(left.kind, left.read, like(right.value))

    def between(self, left: Operand) -> Test:
        """Read low AND high after BETWEEN; both ends count."""
        low = self.operand(left)
        self.need("AND", "after the first value of BETWEEN")
        high = self.operand(left)
        return all_of([
            self.compare(left, Token("sign", sign, side.token.at), side) for sign, side in ((">=", low), ("<=", high))
        ])  # fmt: skip

    def operand(self, left: Operand | None = None) -> Operand:
        """Read operand = name | number | 'text' | TRUE | FALSE; left: what it is compared with."""
        token = self.here
        if token.kind not in ("text", "number", "word", "quoted") and token.text not in ("TRUE", "FALSE"):
            self.fail(token, *misplaced(token))
        self._place += 1
        if token.kind == "text":
            return Operand("text", token, value=token.text[1:-1].replace("''", "'"))
        if token.kind == "number":
            return Operand("number", token, value=float(token.text))
        if token.kind == "keyword":
            return Operand("flag", token, value=token.text == "TRUE")
        return self.named(token, left)

    def named(self, token: Token, left: Operand | None) -> Operand:
        """Return what a name means: bare or in double quotes, with folds. or test. before it or without."""
        name = token.text if token.kind == "word" else ""
        if name.endswith(".") or token.kind == "quoted":
            quoted = self.here if name else token
            self._place += bool(name)
            name += quoted.text[1:-1].replace('""', '"')
        elif self.here.text == "(":
            self.fail(token, f"'{name}' is followed by a parenthesis", 'Quote such a name: "precision_at(k=0.05)".')
        try:
            field = self._names.find(name)
        except UsageError as error:
            meant = left is not None and left.kind not in ("number", "flag")
            self.fail(token, str(error), f"If it is no name but text: '{name}'." if meant else "")
        self.fields[field] = None
        return Operand(field.kind, token, field)


def misplaced(token: Token) -> tuple[str, str]:
    """Say why something cannot stand where a name or a value is needed, and the way out."""
    if token.kind == "other" and token.text in "'\"":
        return "a quote is opened here and not closed", ""
    if token.text == "NULL":
        return "nothing equals NULL", "Write IS NULL, or IS NOT NULL."
    if token.text and token.text in CURLED:
        return f"{token.text} is no quote that is known here", "Texts stand in straight single quotes: 'text'."
    return f"a name or a value is missing {place_of(token)}", ""


def place_of(token: Token) -> str:
    return "at the end" if token.kind == "end" else f"before {token}"


def example(left: Operand) -> str:
    """Return a comparison that the operand could be in."""
    value = {"number": "> 0.9", "time": ">= '2026-01-31'"}.get(left.kind, "= 'text'")
    return f"For example: {left} {value}."
