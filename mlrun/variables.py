"""From `${ENV:NAME}` in plain data to the variable's value: looked up when it is used, never stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

VARIABLE = re.compile(r"\$\{ENV:([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(value: Any, value_of: Callable[[str], str]) -> Any:
    """Return plain data with each `${ENV:NAME}` in its texts replaced by what `value_of` says of the name."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: value_of(match[1]), value)
    if isinstance(value, Mapping):
        return {name: fill(inner, value_of) for name, inner in value.items()}
    return type(value)(fill(item, value_of) for item in value) if isinstance(value, (list, tuple)) else value


def named(value: Any) -> Iterator[str]:
    """Yield the names of the variables that plain data mentions."""
    if isinstance(value, str):
        yield from VARIABLE.findall(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from named(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from named(item)
