"""What it costs to keep a file of data: 150 MiB for the first time, and again by a later run; medians of 5.

python benchmarks/snapshots.py [MIB]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from mlrun.store import snapshots
from mlrun.store.run_folder import sha256_of


def main(mebibytes: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        root, file = Path(place), Path(place) / "rows.csv"
        file.write_bytes(os.urandom(mebibytes << 20))
        sha256 = sha256_of(file)
        for what in ("first", "again"):
            wall, cpu = zip(*(measured(root, file, sha256, what == "first") for _ in range(5)), strict=True)
            print(f"{mebibytes} MiB {what:6} {statistics.median(wall):.2f} s  {statistics.median(cpu):.2f} s CPU")


def measured(root: Path, file: Path, sha256: str, first: bool) -> tuple[float, float]:
    if first:
        snapshots.snapshot_path(root, sha256).unlink(missing_ok=True)
    wall, cpu = time.perf_counter(), time.process_time()
    with snapshots.guarded(root):
        assert snapshots.keep(root, file, sha256)
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 150)
