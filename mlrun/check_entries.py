"""From the name of a check to its entry; a function of the user's own becomes one that takes any parameters."""

from __future__ import annotations

from mlrun import catalog
from mlrun.check_contracts import Check
from mlrun.errors import UsageError


def find_check(name: str, folder: str = "") -> Check:
    """Return the check called `name`, or the user's own at `module:attribute`, looked up from `folder` first.

    That is a `check_contracts.Check`, or a function (subject, context, params) → findings, asked of every model.
    Raises UsageError when there is none.
    """
    found = catalog.find("checks", name, folder)
    if isinstance(found, Check):
        return found
    if not callable(found):
        raise UsageError(f"check '{name}' is neither a function (subject, context, params) nor a check_contracts.Check")
    return Check(found, {}, ("classification", "regression", "anomaly"))


def is_free(name: str, check: Check) -> bool:
    """Say whether a check takes whatever it is given: a plain function of the user's own, without parameters."""
    return ":" in name and not check.parameters
