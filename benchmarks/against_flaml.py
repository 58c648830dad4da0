"""mlrun beside FLAML: what the best model of each is worth on held-out rows after equal CPU seconds, on six data sets.

mlrun spends `--seconds` in equal parts on the families that suit the data (`models: auto`), FLAML as many on those that
it chooses, and at least what mlrun spent as a whole; both read the same two files and one thread. Each pair has a core
of its own. With the defaults 6 minutes for each seed on two cores; with --seconds 300 half an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from statistics import mean
from typing import Any

from alternating import Spent, spend
from environments import interpreter, mlrun, release
from real_data import DATA_SETS, DataSet, write_parts
from telling import Section, options, table
from work import PEER

FITTED = 0.85  # of mlrun's seconds go into fits of its search: the rest is for starting and for the last fits


@dataclass(frozen=True, slots=True)
class Found:
    """What one side found: the best model's family, its score on the held-out rows, and what it all cost."""

    model: str
    score: float
    spent: Spent


def main() -> None:
    parser = options(__doc__, rounds=1)
    parser.add_argument("--seconds", type=int, default=60, help="CPU seconds of each side (60)")
    parser.add_argument("--strategy", default="halving", help="mlrun's search strategy (halving)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder of data sets")
    parser.add_argument("--only", choices=DATA_SETS, nargs="+", default=list(DATA_SETS), help="some data sets")
    parser.add_argument("--at-once", type=int, default=len(os.sched_getaffinity(0)), help="pairs at once (the cores)")
    asked = parser.parse_args()
    asked.seconds = 10 if asked.quick else asked.seconds
    about = (
        f"Each side has {asked.seconds} CPU seconds and one thread, mlrun with `strategy: {asked.strategy}`, FLAML "
        f"{release('flaml', 'FLAML')} with its defaults; a fixed quarter of the rows is held out; means over the seeds."
    )
    section = Section(f"Against FLAML, {asked.seconds} CPU seconds", about, asked)
    found: dict[str, list[tuple[Found, Found]]] = {}
    for name, pair in pairs(asked):
        found.setdefault(name, []).append(pair)
        section.put("scores", tell({name: found[name] for name in DATA_SETS if name in found}))
    section.show()


def pairs(asked: argparse.Namespace) -> Iterator[tuple[str, tuple[Found, Found]]]:
    """Yield what mlrun and FLAML found on each data set with each seed; so many at once, each on a core of its own."""
    cores: SimpleQueue[int] = SimpleQueue()
    for core in sorted(os.sched_getaffinity(0))[: asked.at_once]:
        cores.put(core)
    interpreter("flaml"), mlrun()  # made ahead, outside of what is measured

    def work(name: str, seed: int) -> tuple[Found, Found]:
        core = cores.get()
        try:
            return measure(DATA_SETS[name], asked, seed, core)
        finally:
            cores.put(core)

    there = [name for name in asked.only if DATA_SETS[name].is_there(asked.data)]
    with ThreadPoolExecutor(asked.at_once) as pool:
        jobs = [(name, pool.submit(work, name, seed)) for seed in range(asked.rounds) for name in there]
        for name, job in jobs:
            yield name, job.result()


def measure(data: DataSet, asked: argparse.Namespace, seed: int, core: int) -> tuple[Found, Found]:
    """Let mlrun search, then FLAML for at least as long, on the same rows."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_parts(data, asked.data, folder)
        ours = of_mlrun(folder, data, asked, seed, core)
        theirs = of_flaml(folder, data, max(asked.seconds, ours.spent.cpu), seed, core)
    print(f"{data.name}, seed {seed}: {json.dumps([asdict(ours), asdict(theirs)])}", flush=True)
    return ours, theirs


def of_mlrun(folder: Path, data: DataSet, asked: argparse.Namespace, seed: int, core: int) -> Found:
    """Return mlrun's best by its folds, and its score on the rows of the other file."""
    spec: dict[str, Any] = {
        "experiment": "budget",
        "seed": seed,
        "task": data.task,
        "data": {"path": "train.csv", "target": "target"},
        "split": {"test": {"path": "test.csv"}, "folds": 3},
        "metrics": [data.metric],
        "baselines": [],
        "evaluation": "none",
        "models": "auto",
    }
    (folder / "spec.yaml").write_text(json.dumps(spec))
    planned = json.loads(output([mlrun(), "plan", "spec.yaml", "--format", "json"], folder))
    seconds = FITTED * asked.seconds / sum(line["fits"] > 0 for line in planned["lines"])  # a committee costs no fit
    spec["search"] = {"strategy": asked.strategy, "budget": {"cpu_seconds": round(seconds, 2)}}
    (folder / "spec.yaml").write_text(json.dumps(spec))
    (folder / "runs").mkdir()
    spent = spend([mlrun(), "train", "spec.yaml", "--quiet", "--no-cache", "--jobs", "1"], folder, {core})
    run = json.loads((folder / "runs" / "budget" / "0001" / "run.json").read_text())
    best = next(model for model in run["models"] if model["name"] == run["best"])
    return Found(best["name"], best["test"][data.metric]["value"], spent)


def of_flaml(folder: Path, data: DataSet, seconds: float, seed: int, core: int) -> Found:
    wanted = {"task": data.task, "metric": data.metric, "seconds": seconds, "seed": seed, "answer": "flaml.json"}
    (folder / "wanted.json").write_text(json.dumps(wanted))
    spent = spend([interpreter("flaml"), str(PEER / "flaml_search.py"), "wanted.json"], folder, {core})
    said = json.loads((folder / "flaml.json").read_text())
    return Found(said["model"], said["score"], spent)


def output(command: list[str], folder: Path) -> str:
    """Return what a command prints."""
    spend(command, folder)
    return (folder / "said.log").read_text()


def tell(found: dict[str, list[tuple[Found, Found]]]) -> str:
    """Return the table, and on how many data sets mlrun's mean score is at least FLAML's."""
    rows, ahead = [], 0
    for name, each in found.items():
        data, (ours, theirs) = DATA_SETS[name], zip(*each, strict=True)
        mine, other = (mean(side.score for side in sides) for sides in (ours, theirs))
        ahead += mine >= other if data.is_better_high else mine <= other
        costs = [f"{mean(side.spent.cpu for side in sides):.0f} s" for sides in (ours, theirs)]
        chosen = [", ".join(sorted({side.model for side in sides})) for sides in (ours, theirs)]
        label = f"{name} ({data.metric} {'↑' if data.is_better_high else '↓'}, seeds: {len(each)})"
        rows.append([label, f"{mine:.4f}", f"{other:.4f}", *costs, *chosen])
    header = ["data", "mlrun", "FLAML", "mlrun's CPU", "FLAML's CPU", "mlrun's best", "FLAML's best"]
    return f"{table(header, rows)}\n\nAt least FLAML's on {ahead} of {len(found)}."


if __name__ == "__main__":
    main()
