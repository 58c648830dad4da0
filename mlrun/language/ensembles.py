"""Whether the models that ensembles are made of are there, and whether any ensemble holds itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun import catalog
from mlrun.catalog import suggestion
from mlrun.language.problems import Findings, quote
from mlrun.language.sections import ModelSpec
from mlrun.language.yaml_reader import Path

MAX_LEVELS = 5


def check_ensembles(models: Sequence[ModelSpec], written: Sequence[str], findings: Findings) -> None:
    """Tell members, bases and final families that are not there, and ensembles that hold themselves."""
    families = catalog.names("models")
    for model in models:
        path: Path = ("models", model.name)
        for index, member in enumerate(model.members):
            if member not in written and not findings.is_broken(*path, "members"):
                near = suggestion(member, [name for name in written if name != model.name])
                findings.add((*path, "members", index), f"there is no model {quote(member)} in this spec{near}")
        if model.base and model.base not in written and not findings.is_broken(*path, "base"):
            near = suggestion(model.base, [name for name in written if name != model.name])
            message = f"there is no model {quote(model.base)} in this spec{near}"
            findings.add((*path, "base"), message, "`base` names one of `models`.")
        meta = model.meta or ""
        if ":" not in meta and meta not in ("", *written, *families) and not findings.is_broken(*path, "meta"):
            findings.add((*path, "meta"), catalog.unknown_name("models", meta))
    _check_levels(models, findings)


def _check_levels(models: Sequence[ModelSpec], findings: Findings) -> None:
    """Give every model its level from below; what never gets one stands on a circle or on top of one."""
    made_of = {model.name: list(model.parts) for model in models}
    waiting = {name: [part for part in parts if part in made_of] for name, parts in made_of.items()}
    level = 0
    while waiting:
        ready = [name for name, parts in waiting.items() if not any(part in waiting for part in parts)]
        if not ready:
            circle = _circle(waiting)
            shown = " → ".join([*circle, circle[0]])
            findings.add(("models", circle[0], "members"), f"the ensembles hold each other: {shown}")
            return
        if level > MAX_LEVELS:
            findings.add(("models", ready[0]), f"ensembles are nested more than {MAX_LEVELS} deep", key=True)
            return
        waiting = {name: parts for name, parts in waiting.items() if name not in ready}
        level += 1


def _circle(waiting: Mapping[str, Sequence[str]]) -> list[str]:
    walked: list[str] = []
    name = next(iter(waiting))
    while name not in walked:
        walked.append(name)
        name = next(part for part in waiting[name] if part in waiting)
    return walked[walked.index(name) :]
