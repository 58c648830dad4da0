"""Every benchmark against a peer, one after the other, each into its section of a file.

    python benchmarks/all.py --write docs/benchmarks.md

Fifty minutes on two cores that do nothing else; FLAML's 300 seconds are not among them. A benchmark that fails does
not keep the others from running.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

SCRIPTS = (
    "startup",
    "against_grid_search",
    "long_grid",
    "against_halving",
    "against_optuna",
    "against_skll",
    "against_mlflow",
    "against_flaml",
    "scale",
)


def main() -> int:  # overhead.py is a part of against_grid_search.py
    failed = []
    for name in SCRIPTS:
        begun = time.perf_counter()
        script = Path(__file__).with_name(f"{name}.py")
        done = subprocess.run([sys.executable, str(script), *sys.argv[1:]], check=False)
        print(f"{name}: exit {done.returncode} after {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
        failed += [name] if done.returncode else []
    print(f"failed: {', '.join(failed)}" if failed else "all done", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
