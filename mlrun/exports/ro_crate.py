"""RO-Crate: the whole run as a research object, who made what from what in JSON-LD beside the files."""

from __future__ import annotations

from pathlib import Path

from mlrun.contracts import ExportKind
from mlrun.run_options import ExportRequest


def write(wanted: ExportRequest) -> tuple[str, ...]:
    """Write a folder, or a zip where the name ends so, with the run's files and their metadata."""
    from mlrun import runs
    from mlrun.crate.entities import metadata
    from mlrun.crate.writing import check_place, parts_of, write_crate
    from mlrun.handover import files_of, stale_files
    from mlrun.wording import count, size

    target, record = Path(wanted.output).expanduser(), runs.read_run(wanted.run)
    check_place(target, wanted.run, wanted.force)
    left_out = stale_files(record)
    parts = parts_of(wanted.run, files_of(wanted.run), left_out)
    write_crate(target, wanted.run, parts, metadata(wanted.run, record, parts))
    amount = size(sum(part.size_bytes for part in parts))
    told = [f"{record.name} as RO-Crate 1.1 (Process Run Crate 0.5) in {target}: {count(len(parts), 'file')}, {amount}"]
    told += [f"left out: {name}, which still holds rows that were erased" for name in left_out]
    told += [
        "the data itself is not in it, only its digest; ids of rows and predictions are: look before you publish it"
    ]
    return tuple(told)


ENTRY = ExportKind(
    write=write,
    writes="a folder or a zip of the run",
    place=lambda run, model: f"{run}-crate.zip",
)
