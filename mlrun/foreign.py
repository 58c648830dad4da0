"""A model of a run from elsewhere: it lives in a child process, and only what it says of rows comes out of there."""

from __future__ import annotations

import functools
import resource
import warnings
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrun.errors import DataError, NotTrusted
from mlrun.pipelines import Blueprint
from mlrun.process.isolation import Child, kill, run_alone
from mlrun.records import Failure, Prediction, Task
from mlrun.store import model_files
from mlrun.stored import StoredModel, from_payload
from mlrun.wrapping import Wrapping

if TYPE_CHECKING:
    import polars as pl

    from mlrun.contracts import Job

CHILD_MODELS = 32  # that a child keeps in memory
TOLD = ("DataError", "NotTrusted", "UsageError", "StorageError")  # whose words are sentences for the user


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file, with its sha256; trust: modules of the user's whose types may be loaded, looked for in `folder`."""

    file: str
    sha256: str
    trust: tuple[str, ...] = ()
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """What a model says of itself: plain data, whatever the file holds; wrapping: its state, None = none."""

    model: str
    family: str
    kind: str
    labels: tuple[Any, ...]
    features: tuple[str, ...]
    schema: Mapping[str, str]
    wrapping: Mapping[str, Any] | None
    versions: Mapping[str, str]


class Room:
    """One child process for the foreign models of a command, made when it is needed, anew after each death."""

    def __init__(self) -> None:
        self._child: Child | None = None

    def run(self, job: Job, file: str) -> Any:
        """Run a job about a model in the child; raise DataError when the job raises, or the child does not survive."""
        if self._child is None or not self._child.alive:
            self._child = Child()
            weakref.finalize(self, kill, [self._child])
        outcome = run_alone(job, self._child, lambda key, pid, in_main: None)
        if outcome.failure is not None:
            kind = NotTrusted if outcome.failure.error == "NotTrusted" else DataError
            raise kind(sentence(file, outcome.failure))
        return outcome.value


def sentence(file: str, failure: Failure) -> str:
    """Say what became of a model that was asked in a child; an exception's words may quote rows, so only ours stand."""
    if failure.reason == "raised" and failure.error in TOLD:
        return failure.message
    if failure.reason == "timeout":
        return f"{file} is not loaded: loading it took more than {model_files.CHILD_SECONDS} s"
    if failure.reason in ("raised", "invalid_output"):
        return f"{file} cannot predict these rows ({failure.error or 'what it says is no prediction'})"
    return f"{file} is damaged or forged: it took down the process that asked it ({failure.error or failure.reason})"


@dataclass(frozen=True, slots=True)
class Describe:
    """Load a model and say what it is (contracts.Job)."""

    origin: Origin
    key: str = "describe"
    isolated: bool = True
    timeout: float | None = model_files.CHILD_SECONDS

    def run(self) -> Described:
        model = opened(self.origin)
        task = model.blueprint.task
        return Described(
            model=str(model.blueprint.model),
            family=str(model.blueprint.family),
            kind=str(task.kind),
            labels=tuple(plain(label) for label in task.labels),
            features=tuple(map(str, model.features)),
            schema={str(name): str(kind) for name, kind in model.schema.items()},
            wrapping=None if model.wrapping is None else plain(model.wrapping.state()),
            versions={str(name): str(version) for name, version in model.versions.items()},
        )


@dataclass(frozen=True, slots=True)
class Predict:
    """Ask a model about rows (contracts.Job)."""

    origin: Origin
    table: pl.DataFrame
    key: str = "predict"
    isolated: bool = True
    timeout: float | None = None

    def run(self) -> Prediction:
        with warnings.catch_warnings():  # a library's lines mean nothing to a user, as in the main process
            warnings.simplefilter("ignore")
            return opened(self.origin).predict(self.table)


@functools.lru_cache(maxsize=CHILD_MODELS)
def opened(origin: Origin) -> StoredModel:
    """Return a model, in the process that may be lost; raise DataError when it is none, or not to be trusted."""
    use_no_more_than_there_is()
    file = Path(origin.file)
    payload = model_files.load(file, origin.sha256, trust=origin.trust, folder=origin.folder)
    model_files.keep_to_folder(file, payload, origin.trust, origin.folder)
    with model_files.damage_told(file, "is no whole model"):
        return from_payload(payload, origin.folder)


def use_no_more_than_there_is() -> None:
    """Let what claims to be huge fail here, rather than fill the machine."""
    import psutil

    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (psutil.virtual_memory().total, resource.RLIM_INFINITY))


def plain(value: Any) -> Any:
    """Return plain data made of lists, texts and numbers; raise DataError for anything else."""
    if value is None or type(value) in (str, bool, int, float):
        return value
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in "biufU":
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    raise DataError(f"the model is no whole model: it describes itself with a {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class ForeignModel:
    """A model in a child, asked as a stored one is (stored.Model)."""

    blueprint: Blueprint
    features: tuple[str, ...]
    schema: Mapping[str, str]
    wrapping: Wrapping | None
    versions: Mapping[str, str]
    origin: Origin
    room: Room = field(default_factory=Room)

    def predict(self, table: pl.DataFrame) -> Prediction:
        """Return the prediction of rows that have the schema's columns; raise DataError when none comes back."""
        said: Prediction = self.room.run(Predict(self.origin, table.select(self.features)), self.origin.file)
        return said

    def wrapped(self, prediction: Prediction) -> Prediction:
        """Return what the estimator said as the model shows it: calibrated and cut, where it is wrapped."""
        with model_files.damage_told(Path(self.origin.file), "wraps predictions in a way that is none"):
            return prediction if self.wrapping is None else self.wrapping.apply(prediction)


def open_foreign(file: Path, sha256: str, trust: Sequence[str], folder: str, room: Room | None = None) -> ForeignModel:
    """Return a model of a file from elsewhere, loaded in the child of a room; raise DataError when it may not be.

    Nothing of the file is read in this process.
    """
    room = room or Room()
    origin = Origin(str(file), sha256, tuple(trust), folder)
    described: Described = room.run(Describe(origin), str(file))
    task = Task(described.kind, described.labels)  # type: ignore[arg-type]  # a word of the file's; compared only
    with model_files.damage_told(file, "is no whole model"):
        wrapping = None if described.wrapping is None else Wrapping.restore(described.wrapping)
    if not set(described.features) <= described.schema.keys():
        raise DataError(f"{file} is no whole model: it does not say of which type its columns are")
    return ForeignModel(
        blueprint=Blueprint(described.model, described.family, {}, None, task, folder),
        features=described.features,
        schema=described.schema,
        wrapping=wrapping,
        versions=described.versions,
        origin=origin,
        room=room,
    )
