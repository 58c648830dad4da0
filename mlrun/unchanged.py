"""From a run that is about to start to the latest one, where nothing that a result depends on has changed since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun import runs
from mlrun.author_files import files_of_baselines, files_of_tests
from mlrun.comparison.origins import Data, Environment, read_as
from mlrun.errors import DataError
from mlrun.origin.identity import PACKAGES_THAT_MATTER
from mlrun.provenance import file_fingerprint
from mlrun.references import resolve_references
from mlrun.store.run_record import RunRecord

if TYPE_CHECKING:
    from mlrun.run_identity import RunIdentity
    from mlrun.run_options import TrainOptions
    from mlrun.spec import Spec


def same_as_latest(spec: Spec, identity: RunIdentity, options: TrainOptions) -> tuple[RunRecord, Path] | None:
    """Return the latest complete run, when it had this spec, these rows, files, code and packages; else None.

    None also where something of it failed: what failed is tried again.
    """
    root = runs.runs_root(spec.folder, options.runs)
    latest = runs.latest_complete(root, spec.experiment)
    if latest is None or has_failures(latest):
        return None
    path = runs.run_path(root, latest.experiment, latest.version)
    same = (
        latest.spec_id == identity.spec_id
        and latest.rows_id == identity.digests.rows_id
        and latest.code_id == identity.code
        and latest.sampled == options.sample
        and has_packages(path, identity.versions)
        and has_files(path, spec)
        and has_references(latest, spec, root)
    )
    return (latest, path) if same else None


def has_failures(record: RunRecord) -> bool:
    """Say whether a trial failed, or the refit of a model."""
    return record.failed_trials > 0 or any(
        model.kind == "model" and model.status == "failed" for model in record.models
    )


def has_packages(path: Path, versions: Mapping[str, str]) -> bool:
    """Say whether a run was made with these versions of the packages that can change a score."""
    environment = read_as(Environment, path / "env.json")
    if environment is None:  # not whole any more: run again
        return False
    packages = environment.packages
    return all(name in packages and packages[name] == versions[name] for name in PACKAGES_THAT_MATTER)


def has_files(path: Path, spec: Spec) -> bool:
    """Say whether a run had these very files beside its rows: labels, predictions, rows of tests."""
    wanted = dict.fromkeys((*files_of_baselines(spec), *files_of_tests(spec)))
    data = read_as(Data, path / "data.json") if wanted else None
    if data is None:
        return not wanted
    recorded = {each.path: each.sha256 for each in (*data.baseline_files, *data.author_files)}
    try:
        return all(name in recorded and recorded[name] == file_fingerprint(name).sha256 for name in wanted)
    except DataError:  # it is not there: the run says so
        return False


def has_references(latest: RunRecord, spec: Spec, root: Path) -> bool:
    """Say whether names such as other@latest mean the runs that they meant; those of its own experiment always move."""
    known = resolve_references(spec, root).known
    others = {name: run for name, run in known.items() if name.partition("@")[0] != spec.experiment}
    return all(name in latest.references and latest.references[name] == run for name, run in others.items())
