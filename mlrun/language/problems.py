"""From what the definitions refuse to sentences with places, and what remains of the spec without it."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mlrun.catalog import suggestion
from mlrun.errors import SpecError
from mlrun.language.shape import MARK, Shape
from mlrun.language.yaml_reader import Node, Path
from mlrun.language.yaml_scalars import Scalar
from mlrun.records import Place, Problem

S = TypeVar("S", bound=Shape)
STAND_INS: Mapping[str, Any] = {
    "experiment": "unnamed",
    "data": {},
    "false_negative": 1,
    "false_positive": 1,
    "column": "unnamed",
    "when": "true",
    "value": 0,
    "beats": "unnamed",
    "suites": "pass",
    "useful": True,
}
ROUNDS = 4  # of repair; each takes out what the one before it found
MOST = 100  # problems told of one file


@dataclass(slots=True)
class Findings:
    """The problems found so far in one spec, and the paths that are broken."""

    root: Node
    problems: list[Problem] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)
    touched: set[Path] = field(default_factory=set)  # the broken paths, and all that is around them

    def add(self, path: Path, message: str, cure: str = "", *, key: bool = False) -> None:
        """Tell a problem of the value at a path, or of its key."""
        self.tell(path, Problem(message, self.place(path, key=key), cure))

    def tell(self, path: Path, problem: Problem) -> None:
        """Add a problem, and note that the value at a path was refused, so that nothing is concluded from it.

        Raises SpecError when there are so many that more would help nobody.
        """
        self.problems.append(problem)
        self.broken.add(path)
        self.touched.update(path[:length] for length in range(len(path) + 1))
        if len(self.problems) > MOST:
            self.stop()

    def stop(self) -> None:
        """Raise SpecError with the problems in the order of the file; do nothing when there are none."""
        if not self.problems:
            return
        ordered = sorted(self.problems, key=_position)
        more = [Problem(f"there are more problems than these {MOST}")] if len(ordered) > MOST else []
        raise SpecError([*ordered[:MOST], *more])

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return the place of a value; of one that is not written, that of the nearest thing around it."""
        node = self.root
        for number, part in enumerate(path):
            if key and number == len(path) - 1 and part in node.keys:
                return node.keys[part]
            below = child(node, part)
            if below is None:
                break
            node = below
        return node.place

    def is_broken(self, *path: Scalar) -> bool:
        """Say whether the value at a path, something around it or something inside it was refused."""
        return path in self.touched or any(path[:length] in self.broken for length in range(len(path) + 1))


def _position(problem: Problem) -> tuple[bool, int, int]:
    """Return where a problem stands in the file; those of overrides come last."""
    place = problem.place or Place("")
    return (not place.line, place.line, place.column)


def child(node: Node, part: Any) -> Node | None:
    """Return what stands under a key or at a position, None where there is nothing."""
    if isinstance(node.value, Mapping):
        return node.value.get(part)
    if isinstance(node.value, tuple) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None


def check_shape(shape: type[S], written: Any, findings: Findings, path: Path = ()) -> S | None:
    """Hold plain values against a definition: what is wrong is told, and what remains is returned.

    path: where they stand in the spec. None when nothing is left that could be read.
    """
    told = len(findings.problems)
    for attempt in range(ROUNDS):
        try:
            return shape.model_validate(written)
        except ValidationError as error:
            for mistake in error.errors(include_url=False):
                if attempt == 0 or len(findings.problems) == told:
                    _tell(shape, mistake, findings, path)
                written = _without(written, mistake)
    return None


def _tell(shape: type[Shape], mistake: Any, findings: Findings, path: Path) -> None:
    kind, inside = str(mistake["type"]), _path_of(mistake)
    where = (*path, *inside)
    if kind == "extra_forbidden":
        around = f" in '{dotted(where[:-1])}'" if where[:-1] else ""
        message = f"there is no key {quote(where[-1])}{around}{suggestion(str(where[-1]), _known_keys(shape, mistake))}"
        findings.add(where, message, key=True)
    elif kind == "missing":
        around = f"'{dotted(where[:-1])}'" if where[:-1] else "the spec"
        meaning = _known_keys(shape, mistake)[str(where[-1])]
        told = f"{around} lacks '{where[-1]}'" + (f": {meaning}" if meaning else "")
        findings.tell(where, Problem(told, findings.place(where[:-1])))
    elif mistake["loc"][-1:] == ("[key]",):
        findings.add(where, f"the name {quote(where[-1])} {must(mistake)}", key=True)
    else:
        name = f"'{dotted(where)}'" if where else "a spec"
        findings.add(where, f"{name} {must(mistake)}{_instead(mistake)}")


def must(mistake: Any) -> str:
    """Return what pydantic found wanting, in plain words."""
    context = mistake.get("ctx") or {}
    bounds = {
        "greater_than": ("be greater than", "gt"),
        "greater_than_equal": ("be at least", "ge"),
        "less_than": ("be less than", "lt"),
        "less_than_equal": ("be at most", "le"),
    }
    kind = mistake["type"]
    if kind in LENGTHS:
        return _of_length(kind, context)
    if kind in bounds:
        words, bound = bounds[kind]
        return f"must {words} {context[bound]:g}"
    if kind == "literal_error":
        return f"must be {str(context['expected']).replace(chr(39), '')}"
    if kind == "string_pattern_mismatch":
        return "may hold only a-z, 0-9, '-' and '_', and must begin with a letter or a digit"
    return PLAIN[kind] if kind in PLAIN else str(mistake["msg"])


def _of_length(kind: str, context: Mapping[str, Any]) -> str:
    if kind.endswith("short"):
        least = context["min_length"]
        return "must not be empty" if least == 1 else f"must have at least {least} items"
    return f"must have at most {context['max_length']} {'characters' if kind.startswith('string') else 'items'}"


LENGTHS = ("too_short", "too_long", "string_too_short", "string_too_long")
PLAIN: Mapping[str, str] = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
}


def _instead(mistake: Any) -> str:
    """Return what stands there, and the way out where it is plain."""
    return "" if mistake["type"] in LENGTHS else f", not {quote(mistake['input'])}{_hint(mistake)}"


def _hint(mistake: Any) -> str:
    kind, value = mistake["type"], mistake["input"]
    if kind == "string_type" and isinstance(value, (int, float)):
        return "; quote it if it is a name"
    if isinstance(value, str) and (kind == "list_type" or mistake["loc"] == ("models",)):
        return f"; write [{value[:60]}]"
    if kind == "literal_error" and isinstance(value, str):
        near = suggestion(value, re.findall("'([^']*)'", str(mistake["ctx"]["expected"])))
        return near if near.startswith("; did") else ""
    return ""


def quote(value: Any) -> str:
    """Return a value as it is shown in a message: short, printable, as YAML would say it."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        shown = ", ".join(map(quote, value[:5])) + (", ..." if len(value) > 5 else "")
        return f"[{shown}]" if len(shown) <= 60 else "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        short = value if len(value) <= 60 else value[:59] + "…"
        return "'" + "".join(part if part.isprintable() else "�" for part in short) + "'"
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:59] + "…"


def dotted(path: Iterable[Any]) -> str:
    """Return a path as `--set` writes it."""
    return ".".join(quote(part)[1:-1] if isinstance(part, str) else str(part) for part in path)


def _path_of(mistake: Any) -> tuple[Any, ...]:
    return tuple(
        part for part in mistake["loc"] if not (isinstance(part, str) and (part.startswith(MARK) or part == "[key]"))
    )


def _without(written: Any, mistake: Any) -> Any:
    """Return the written values without the wrong one; a list goes as a whole, so that positions stay true."""
    path = _path_of(mistake)
    for length, part in enumerate(path):
        if isinstance(part, int):
            path = path[:length]
            break
    if not path or not isinstance(written, dict):
        return written
    top, *rest = path
    changed = dict(written)
    if mistake["type"] == "missing" and not rest:
        changed[top] = STAND_INS[top]
    elif not rest:
        changed.pop(top, None)
        if top in STAND_INS and mistake["type"] != "extra_forbidden":
            changed[top] = STAND_INS[top]
    elif top in changed:
        changed[top] = _without(changed[top], {**mistake, "loc": tuple(rest)})
    return changed


def _known_keys(shape: type[Shape], mistake: Any) -> dict[str, str]:
    """Return the keys that the mapping around a mistake may have, with what they mean."""
    around: list[type[BaseModel]] = [shape]
    for part in _path_of(mistake)[:-1]:
        fields = [known.model_fields[part] for known in around if part in known.model_fields]
        if fields:
            around = [inner for known in fields for inner in _shapes_in(known.annotation)]
    return {
        field_.alias or name: field_.description or ""
        for known in around
        for name, field_ in known.model_fields.items()
    }


def _shapes_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [shape for part in typing.get_args(annotation) for shape in _shapes_in(part)]
