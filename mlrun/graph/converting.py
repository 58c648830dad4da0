"""From a run's model to its ONNX file's bytes, given only once both say the same of the same rows."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path

from mlrun import runs
from mlrun.errors import UsageError
from mlrun.foreign import Origin, Room, opened
from mlrun.graph.equality import TOLERANCE, Equality, compare
from mlrun.graph.model import Written, write_model
from mlrun.graph.rows import made_rows, test_rows
from mlrun.graph.writing import CannotWrite
from mlrun.process.jobs import InvalidOutput
from mlrun.store.model_files import CHILD_SECONDS
from mlrun.store.run_record import RunRecord
from mlrun.stored import StoredModel, from_payload
from mlrun.wording import as_text, count

Converted = tuple[bytes, tuple[str, ...]]  # the file, and sentences on how it was checked


def convert(run: Path, model: str | None, trust: tuple[str, ...]) -> Converted:
    """Return a run's model as ONNX; one that was not stored here stays in a child process.

    Raises UsageError with the reason when something has no equal in ONNX, or the file says anything else than the
    model; DataError or StorageError when the model cannot be loaded.
    """
    job = Conversion(run, model, trust)
    if runs.is_own(run):
        return job.run()
    file, _ = runs.find_model(run, model)
    made: Converted = Room().run(job, str(file))
    return made


@dataclass(frozen=True, slots=True)
class Conversion:
    """Load a model, write it, compare (contracts.Job)."""

    path: Path
    model: str | None
    trust: tuple[str, ...]
    key: str = "convert"
    isolated: bool = True
    timeout: float | None = CHILD_SECONDS

    def run(self) -> Converted:
        record, model = runs.read_run(self.path), self.load()
        try:
            with warnings.catch_warnings():  # a library's lines mean nothing to a user
                warnings.simplefilter("ignore")
                written = write_model(model, facts(record, model))
                return written.content, checked(self, model, written)
        except CannotWrite as reason:
            name = model.blueprint.model
            raise UsageError(f"{name} of {record.name} is not exported as ONNX: {reason}") from reason

    def load(self) -> StoredModel:
        """Return the model; in this process, which is a child's when the run is from elsewhere."""
        if runs.is_own(self.path):
            return from_payload(runs.load_model(self.path, self.model, self.trust), str(Path.cwd()))
        file, sha256 = runs.find_model(self.path, self.model)
        return opened(Origin(str(file), sha256, self.trust, str(Path.cwd())))


def facts(record: RunRecord, model: StoredModel) -> dict[str, str]:
    """Return what the file's metadata says: where the model is from, its labels in the order of the probabilities."""
    task = model.blueprint.task
    found = {
        "mlrun.run": record.name,
        "mlrun.model": model.blueprint.model,
        "mlrun.family": model.blueprint.family,
        "mlrun.params": as_text(dict(model.blueprint.params)),
        "mlrun.data_id": record.data_id,
        "mlrun.spec_id": record.spec_id,
        "mlrun.task": task.kind,
        "mlrun.columns": json.dumps({name: model.schema[name] for name in model.features}, ensure_ascii=False),
    }
    if task.labels:
        found["mlrun.labels"] = json.dumps(list(task.labels), ensure_ascii=False)
    return found


def checked(job: Conversion, model: StoredModel, written: Written) -> tuple[str, ...]:
    """Ask the model and the file about the same rows; return how near they are. Raises CannotWrite when they differ."""
    table, word = test_rows(job.path, model, job.trust)
    found: list[tuple[str, Equality]] = []
    if table is not None:
        found.append((f"the run's {count(table.height, word)}", held(compare(model, written, table))))
    try:
        made = compare(model, written, made_rows(job.path, model, table, gaps=True))
    except (ValueError, InvalidOutput):  # some models take no missing values, and their library says so in its own way
        made = compare(model, written, made_rows(job.path, model, table, gaps=False))
    whence = "the run's profile" if table is None else "them"
    found.append((f"{count(made.rows, 'row')} made from {whence}", held(made)))
    told = told_check(found, model)
    return (told,) if table is not None else (told, f"its own test rows were not asked: {word}")


def held(found: Equality) -> Equality:
    """Return what was found; raise CannotWrite when the two do not say the same."""
    rows = count(found.rows, "row")
    if found.wrong:
        raise CannotWrite(f"of {rows} that both were asked about, {found.wrong:,} get another label")
    if not found.holds:
        raise CannotWrite(f"what it says of {rows} is off by up to {found.largest:.2g}; {TOLERANCE:g} is allowed")
    return found


def told_check(found: list[tuple[str, Equality]], model: StoredModel) -> str:
    """Say what was compared, and what came of it."""
    kind = model.blueprint.task.kind
    largest, ties = max(each.largest for _, each in found), sum(each.ties for _, each in found)
    share = "" if kind == "classification" else " of the largest"
    told = f"checked on {' and '.join(what for what, _ in found)}: "
    told += f"off by {largest:.1g}{share} at most" if largest else "no difference"
    if kind != "regression":
        told += ", all labels equal"
    return told + (f"; {count(ties, 'row')} at a tie {'does' if ties == 1 else 'do'} not count" if ties else "")
