"""What a run is made of, gathered while it trains: files, code as it was at the start, columns in counts."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun.author_files import files_of_baselines, files_of_tests
from mlrun.origin.code_state import CodeState, code_state
from mlrun.shift.profile import profile
from mlrun.store.file_digests import fingerprints

if TYPE_CHECKING:
    from mlrun.provenance import UserModule
    from mlrun.records import Array, Dataset
    from mlrun.spec import Spec

Entries = tuple[Mapping[str, Any], ...]
ROWS = ("files", "test_files")  # keys of a dataset's source
CHANGED = "written after the rows were loaded: its sha256 may be that of others"


@dataclass(frozen=True, slots=True)
class Recording:
    """What data.json says of the files of rows, of baselines, of tests; code: for code.json; profile: profile.json."""

    files: Entries
    baseline_files: Entries
    author_files: Entries
    code: CodeState
    profile: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run is about to be made of; loading_ns: when its rows began to be loaded, in nanoseconds since 1970."""

    spec: Spec
    dataset: Dataset
    train: Array
    modules: tuple[UserModule, ...]
    loading_ns: int


def begin_recording(run: Beginning, root: Path) -> Future[Recording]:
    """Return what will be known of a run, once a thread has gathered it beside the first fits; root: of all runs."""
    spec, dataset = run.spec, run.dataset
    promise: Future[Recording] = Future()

    def record() -> None:
        try:
            data = [*files_of_rows(dataset), *files_of_baselines(spec), *files_of_tests(spec)]
            code = code_state(spec.folder, run.modules, data)  # first: it may be edited any moment
            files = recorded_files(spec, dataset, root, run.loading_ns)
            promise.set_result(Recording(*files, code, profile(dataset, run.train, spec.data.sensitive)))
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
            promise.set_exception(error)

    threading.Thread(target=record, name="recording", daemon=True).start()
    return promise


def recorded_files(spec: Spec, dataset: Dataset, root: Path, loading_ns: int) -> tuple[Entries, Entries, Entries]:
    """Return each file of the rows, of the baselines, of the tests, with its fingerprint or why it has none.

    loading_ns: when the rows began to be loaded, in nanoseconds since 1970.
    """
    rows = [(path, key == "test_files") for key in ROWS for path in dataset.source.get(key, ())]
    beside, tests = dict.fromkeys(files_of_baselines(spec)), dict.fromkeys(files_of_tests(spec))
    found = fingerprints([*(path for path, _ in rows), *beside, *tests], root)

    def entry(path: str, **facts: Any) -> Mapping[str, Any]:
        known = found[path]
        if isinstance(known, str):
            return {"path": path, "note": known, **facts}
        return {**asdict(known), **facts, **({"note": CHANGED} if known.mtime_ns > loading_ns else {})}

    return tuple(entry(path, test=test) for path, test in rows), tuple(map(entry, beside)), tuple(map(entry, tests))


def files_of_rows(dataset: Dataset) -> list[str]:
    """Return the files that the rows were read from, those of test rows last."""
    return [path for key in ROWS for path in dataset.source.get(key, ())]
