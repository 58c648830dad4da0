"""From a finished run to what another tool reads: one entry of the exports shelf, asked for by name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from mlrun import catalog, runs
from mlrun.contracts import ExportKind
from mlrun.errors import UsageError
from mlrun.run_options import ExportRequest


def export(
    run: str, to: str, output: str, model: str | None, trust: Sequence[str], force: bool, root: str | None
) -> tuple[str, ...]:
    """Write a run for another tool; return sentences on what was written, and where.

    Raises UsageError for an unknown name, a missing extra, a model that cannot be written so, a file that is there
    already; StorageError when the place refuses.
    """
    if not to:
        raise UsageError(f"say what to export to: --to {' | '.join(catalog.names('exports'))}")
    kind = catalog.find("exports", to)
    if not isinstance(kind, ExportKind):
        raise UsageError(f"--to {to}: it must be an ExportKind of mlrun.contracts")
    missing = [module for module in kind.modules if find_spec(module) is None]
    if missing:
        raise UsageError(
            f"--to {to} needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            f"pip install 'mlrun-cli[{kind.extra}]'"
        )
    if model and not kind.of_model:
        raise UsageError(f"--to {to} writes the whole run: leave out --model")
    path = runs.resolve(runs.runs_root(None, root), run)
    record = runs.read_run(path)
    place = output or kind.place(f"{record.experiment}-{record.version}", model or record.best or "")
    return kind.write(ExportRequest(path, place, model, tuple(trust), force))
