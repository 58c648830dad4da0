"""From an experiment and a name such as income@latest to a run's place on disk: nothing is opened here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlrun.catalog import suggestion
from mlrun.errors import UsageError

EXPERIMENT = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
SELECTOR = re.compile(
    r"(?P<version>[0-9]{1,18})|(?P<word>latest|best)(~(?P<back>[0-9]{1,9}))?|(?P<tag>[A-Za-z][A-Za-z0-9._-]*)"
)


@dataclass(frozen=True, slots=True)
class RunName:
    """EXPERIMENT@SELECTOR, taken apart; version None = `tag` or else `word` says which, `back` runs before it."""

    experiment: str
    version: int | None = None
    word: str = "latest"
    back: int = 0
    tag: str = ""


def runs_root(
    spec_folder: str | Path | None = None,
    override: str | Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Path:
    """Return the folder that holds the runs, whether it is there yet or not.

    The override (`--runs`) wins, then MLRUN_RUNS, then `runs/` in the spec's folder or its nearest parent that has
    one (without a spec: the working directory and its parents), else `runs/` in the working directory. Raises
    UsageError when the override is a file.
    """
    named = override or environment.get("MLRUN_RUNS")
    if named:
        root = Path(named).expanduser().absolute()
        if root.exists() and not root.is_dir():
            raise UsageError(f"{root} is a file; the runs need a folder (--runs DIR, or MLRUN_RUNS)")
        return root
    start = Path(spec_folder or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "runs").is_dir():
            return folder / "runs"
    return Path.cwd() / "runs"


def experiment_folder(root: Path, experiment: str) -> Path:
    """Return the experiment's folder; raise UsageError when the name cannot be one, or leads out of the root."""
    if not EXPERIMENT.fullmatch(experiment):
        shown = experiment.encode("unicode_escape").decode("ascii")[:60]
        raise UsageError(
            f"'{shown}' cannot name an experiment: it becomes a folder, so use small letters, digits, '-' and '_' "
            "only, a letter or digit first, 100 characters at most"
        )
    folder = root / experiment
    if folder.resolve().parent != root.resolve():
        raise UsageError(f"{folder} leads out of {root}: an experiment must be a folder in it")
    return folder


def list_experiments(root: Path) -> tuple[str, ...]:
    """Return the experiments below the root, in alphabetical order."""
    try:
        with os.scandir(root) as entries:
            return tuple(sorted(entry.name for entry in entries if EXPERIMENT.fullmatch(entry.name) and entry.is_dir()))
    except (FileNotFoundError, NotADirectoryError):
        return ()


def list_versions(root: Path, experiment: str) -> tuple[int, ...]:
    """Return the versions that the experiment has, finished or not, ascending."""
    try:
        with os.scandir(experiment_folder(root, experiment)) as entries:
            names = [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(sorted(int(name) for name in names if is_version(name)))


def has_versions(root: Path, experiment: str) -> bool:
    """Say whether the experiment has any version; the first one found is enough."""
    try:
        with os.scandir(experiment_folder(root, experiment)) as entries:
            return any(is_version(entry.name) for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False


def is_version(name: str) -> bool:
    """Say whether a folder's name is a version as mlrun writes it: four digits at least, no other zeros in front."""
    return name.isascii() and name.isdigit() and (len(name) == 4 or (len(name) > 4 and name[0] != "0"))


def version_name(version: int) -> str:
    """Return the folder name of a version: 0001, 10000."""
    return f"{version:04d}"


def parse_run_name(name: str) -> RunName:
    """Take EXPERIMENT, EXPERIMENT@3, @latest, @latest~1, @best or @TAG apart; raise UsageError on anything else."""
    experiment, at, selector = name.partition("@")
    if not at:
        return RunName(experiment)
    match = SELECTOR.fullmatch(selector)
    if not match or (match["word"] == "best" and match["back"]):
        raise UsageError(f"'{name}': after @ comes a version (3), latest, latest~1 (the one before), best or a tag")
    if match["version"]:
        return RunName(experiment, version=int(match["version"]))
    if match["tag"]:
        return RunName(experiment, tag=match["tag"])
    return RunName(experiment, word=match["word"], back=int(match["back"] or 0))


def check_known(root: Path, experiment: str) -> None:
    """Raise UsageError with the nearest experiments when there is none called so."""
    if not has_versions(root, experiment):
        known = [other for other in list_experiments(root) if has_versions(root, other)]
        told = suggestion(experiment, known) or "; there are no runs yet"
        raise UsageError(f"no runs of an experiment '{experiment}' in {root}{told}")


def nearest_versions(experiment: str, versions: tuple[int, ...], wanted: int) -> str:
    """Return the few versions nearest to the wanted one, as run names."""
    near = sorted(sorted(versions, key=lambda version: (abs(version - wanted), version))[:3])
    return ", ".join(f"{experiment}@{version}" for version in near)
