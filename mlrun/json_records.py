"""From frozen records to plain JSON and back, driven by the types of their fields."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
Read = Callable[[Any], Any]
SCALARS = (str, int, float, bool, NoneType)
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode(value: object) -> Any:
    """Return a record, or what stands inside one, as JSON knows it: objects, lists, strings, finite numbers.

    NaN and infinities become the strings 'NaN', 'Infinity', '-Infinity'. Raises TypeError on anything else.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str_of_not_finite(value)
    if isinstance(value, (list, tuple)):  # what there is most of comes first
        return [encode(inner) for inner in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(inner) for key, inner in value.items()}
    if hasattr(value, "tolist"):  # a number or array of numpy's, without importing it
        return encode(value.tolist())
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def str_of_not_finite(value: float) -> str:
    """Return the word for NaN or an infinity."""
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def decode(kind: type[Record], value: object) -> Record:
    """Return JSON as a record of `kind`; fields that are missing take their defaults, unknown ones are left out.

    Raises ValueError naming the field that does not fit.
    """
    hint: Any = kind
    try:
        read: Record = reader(hint)(value)
    except ValueError as error:
        raise ValueError(f"{str(error).lstrip('.') or 'the content'} is not what it should be") from None
    return read


@cache
def reader(hint: Any) -> Read:
    """Return the function from a JSON value to what a type says; it raises ValueError with the way to the misfit."""
    origin, inside = get_origin(hint), get_args(hint)
    if hint is Any:
        return frozen
    if origin in (Union, UnionType):
        return union_reader(inside)
    if origin is Literal:
        return partial(read_literal, inside)
    if origin is tuple:
        return partial(read_tuple, reader(inside[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return partial(read_mapping, reader(inside[1]))
    if is_dataclass(hint) and isinstance(hint, type):
        return record_reader(hint)
    return read_float if hint is float else partial(read_scalar, hint)


@cache
def shape(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    """Return (name, type, whether it must be there) of each field of a record."""
    hints = get_type_hints(kind)
    return tuple(
        (field.name, hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    )


def record_reader(kind: type) -> Read:
    """Return the reader of a record: one for each of its fields."""
    parts = tuple((name, reader(hint), required) for name, hint, required in shape(kind))

    def read(value: object) -> Any:
        if not isinstance(value, dict):
            raise ValueError("")  # noqa: TRY004 - one error for all that does not fit; its text is the way to it
        given: dict[str, Any] = {}
        for name, read_part, required in parts:
            if name in value:
                try:
                    given[name] = read_part(value[name])
                except ValueError as error:
                    raise ValueError(f".{name}{error}") from None
            elif required:
                raise ValueError(f".{name}")
        return kind(**given)

    return read


def union_reader(options: tuple[Any, ...]) -> Read:
    """Return the reader of the first of several types that fits; exact scalars go first (1 is no 1.0, no true)."""
    scalars = frozenset(option for option in options if option in SCALARS)
    others = tuple(reader(option) for option in options if option is not NoneType)

    def read(value: object) -> Any:
        if type(value) in scalars:
            return value
        for read_option in others:
            try:
                return read_option(value)
            except ValueError:
                continue
        raise ValueError("")

    return read


def read_literal(known: tuple[Any, ...], value: object) -> Any:
    if value not in known:
        raise ValueError("")
    return value


def read_tuple(read_item: Read, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError("")  # noqa: TRY004 - as above
    items: list[Any] = []
    for item in value:
        try:
            items.append(read_item(item))
        except ValueError as error:
            raise ValueError(f"[{len(items)}]{error}") from None
    return tuple(items)


def read_mapping(read_item: Read, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("")  # noqa: TRY004 - as above
    items: dict[str, Any] = {}
    for key, item in value.items():
        try:
            items[key] = read_item(item)
        except ValueError as error:
            raise ValueError(f".{key}{error}") from None
    return items


def read_scalar(kind: type, value: object) -> Any:
    if type(value) is not kind:
        raise ValueError("")
    return value


def read_float(value: object) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    raise ValueError("")


def frozen(value: object) -> Any:
    """Return free JSON with tuples for lists."""
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return value
