"""From what a run was made of, then and now, to what differs, and how to get each of it back."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlrun.comparison.changes import code_changes, data_changes
from mlrun.comparison.origins import Code, Environment, Origins
from mlrun.origin.identity import PACKAGES_THAT_DO_NOT
from mlrun.wording import as_text

What = Literal["record", "data", "code", "packages", "machine"]
DISTRIBUTION = {"mlrun": "mlrun-cli"}
NONE = "none"


@dataclass(frozen=True, slots=True)
class Departure:
    """One thing that is not as it was when the run was made; matters: it may change a score; cure: what brings it back.

    then, now: as people read them, '' where a word for each says nothing.
    """

    what: What
    path: str
    then: str = ""
    now: str = ""
    matters: bool = True
    cure: str = ""

    def __str__(self) -> str:
        told = f"{self.path}: {self.then or NONE} → {self.now or NONE}" if self.then or self.now else self.path
        return told if self.matters else f"{told} (its scores do not depend on it)"


def find_departures(run: Path, folder: str, then: Origins, now: Origins) -> tuple[Departure, ...]:
    """Return what differs between a run's record and today, in the order data, code, packages, machine.

    folder: where the spec stands, to which the cures apply. What the record lacks is told as such.
    """
    found = [Departure("record", f"{name} is missing or damaged: what it says is not checked") for name in then.missing]
    if then.data is not None and now.data is not None:
        changes = data_changes(then.data, now.data)
        found += [Departure("data", change.path, told(change.old), told(change.new)) for change in changes]
    if then.code is not None and now.code is not None:
        found += code_departures(run, folder, then.code, now.code)
    if then.environment is not None and now.environment is not None:
        found += package_departures(then.environment, now.environment)
        found += machine_departures(then.environment, now.environment)
    return tuple(found)


def told(value: Any) -> str:
    return "" if value is None else as_text(value)


# -- code --------------------------------------------------------------------------------------------------------------


def code_departures(run: Path, folder: str, then: Code, now: Code) -> Iterator[Departure]:
    """Yield what differs in the code; a commit matters only where the user's own modules are others."""
    other = then.user_code != now.user_code
    for change in code_changes(then, now):
        if change.path == "own modules":
            yield Departure("code", told_modules(then, now), cure="" if then.git else from_copies(run))
        else:
            known = change.path != "files that git does not know"
            cure = restoring(run, folder, then, now) if known else from_copies(run)
            yield Departure("code", change.path, told(change.old), told(change.new), other, cure)


def told_modules(then: Code, now: Code) -> str:
    """Return which of the user's modules are others, gone or new."""
    names = sorted({*then.modules, *now.modules})
    groups: dict[str, list[str]] = {"changed": [], "gone": [], "new": []}
    for name in names:
        if name not in now.modules:
            groups["gone"].append(name)
        elif name not in then.modules:
            groups["new"].append(name)
        elif then.modules[name] != now.modules[name]:
            groups["changed"].append(name)
    words = [f"{', '.join(found)} {word}" for word, found in groups.items() if found]
    return f"own modules: {'; '.join(words)}" if words else "own modules differ"


def restoring(run: Path, folder: str, then: Code, now: Code) -> str:
    """Return the commands that put today's changes aside, and bring back the commit with what was changed since."""
    if then.git is None or now.git is None:
        return ""
    git = f"git -C {shlex.quote(folder)}"
    steps = [f"{git} stash -u"] if now.git.dirty else []
    if then.git.commit and then.git.commit != now.git.commit:
        steps.append(f"{git} checkout {then.git.commit}")
    if then.git.patch_sha256 and (run / "code.patch").is_file():
        top = f'"$({git} rev-parse --show-toplevel)"'
        steps.append(f"git -C {top} apply {shlex.quote(str(run / 'code.patch'))}")
    return " && ".join(steps)


def from_copies(run: Path) -> str:
    return f"the run's copies of the files stand in {run / 'code'}" if (run / "code").is_dir() else ""


# -- packages and machine ----------------------------------------------------------------------------------------------


def package_departures(then: Environment, now: Environment) -> Iterator[Departure]:
    """Yield packages of another version; one command installs those of the run again."""
    wanted = {
        name: version for name, version in then.packages.items() if version and now.packages.get(name, "") != version
    }
    install = " ".join(
        shlex.quote(f"{DISTRIBUTION.get(name, name)}=={version}")
        for name, version in wanted.items()
        if name != "python"
    )
    for name in sorted({*then.packages} | {*now.packages}):
        before, after = then.packages.get(name, ""), now.packages.get(name, "")
        if before == after or not before:  # what was not recorded, or not there, nothing can have come from
            continue
        cure = f"use Python {before}" if name == "python" else f"pip install {install}"
        yield Departure("packages", name, before, after, name not in PACKAGES_THAT_DO_NOT, cure)
    if then.result_version is not None and then.result_version != now.result_version:
        versions = (str(then.result_version), str(now.result_version))
        yield Departure("packages", "mlrun's way to compute scores (result version)", *versions)


def machine_departures(then: Environment, now: Environment) -> Iterator[Departure]:
    """Yield what of the machine may change the last digits: its architecture, and what BLAS makes of it."""
    for name in ("architecture", "processor"):
        before, after = then.machine.get(name), now.machine.get(name)
        if before and after and before != after:
            yield Departure("machine", name, str(before), str(after), matters=name == "architecture")
    kernels = kernels_of(then.machine), kernels_of(now.machine)
    for library in sorted({*kernels[0]} & {*kernels[1]}):
        before, after = (found[library] for found in kernels)
        if before != after:
            yield Departure("machine", f"{library}'s code for the processor", before, after)


def kernels_of(machine: Mapping[str, Any]) -> dict[str, str]:
    """Return linear algebra library → the processor that its code was chosen for, as far as it tells."""
    pools = machine.get("threads") or ()
    return {
        str(pool["internal_api"]): str(pool["architecture"])
        for pool in pools
        if isinstance(pool, Mapping) and "internal_api" in pool and "architecture" in pool
    }
