"""The names that columns may have: each its own, and none that the data frame library reads as a pattern."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun.errors import DataError


def refuse_names(names: Sequence[str], origin: str) -> None:
    """Raise DataError for a name that two columns have, and for '*' and '^...$', which would mean many columns."""
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if name in seen:
            raise DataError(
                f"{origin}: columns {seen[name]} and {number} are both named '{name}'; give each a name of its own."
            )
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise DataError(f"{origin}: column {number} is named '{name}', which stands for a pattern; rename it.")
        seen[name] = number
