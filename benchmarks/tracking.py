"""What tracking costs: the sampling of the system's load, and what is written of each finished fit.

Sampling: CPU of the sampling thread alone, in percent of a core, while two workers and their children are there; the
median of the rounds. A finished fit: CPU and wall time of `RunLog.write_fit`, fdatasync included, in the folder where
this is started (a memory file system has no fdatasync to pay for); the median and the 95th percentile of the fits.
Loss curves: CPU of asking a fitted booster about held-out rows, against that of its fit (200 rounds, one thread).

    python benchmarks/tracking.py [seconds of a round] [rounds] [fits]
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mlrun import catalog
from mlrun.fit import FitValue, TrialAnswer
from mlrun.loss_curves import Curves, Shown, loss_curves
from mlrun.process.jobs import OneThread
from mlrun.records import Fold, Outcome, Prediction, Trial
from mlrun.run_log import RunLog
from mlrun.sampling import sample
from mlrun.store.run_tracking import SystemLog, read_system

BOOSTING = {"xgboost": "n_estimators", "hist_gradient_boosting": "max_iter", "gradient_boosting": "n_estimators"}
BUSY = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'while True: pass']); child.wait()"
FOLD = Fold(0, 0, np.arange(4), np.arange(2))
CASES = {"no curves": (1, 0), "1 trial, 25 losses": (1, 25), "3 trials, 2 x 25 losses": (3, 50), "3 x 200": (3, 200)}


def main() -> None:
    seconds, rounds, fits = (int(given) for given in (sys.argv[1:] + ["60", "3", "1000"][len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as place:
        shares = [share_of_a_core(Path(place) / str(number), seconds) for number in range(rounds)]
        print(f"sampling, 2 workers with a child each, {seconds} s: median {statistics.median(shares):.3f} % of a core")
        print(f"   (of {', '.join(f'{share:.3f}' for share in shares)}; the goal is below 0.5)")
        for case, (trials, losses) in CASES.items():
            folder = Path(place) / f"{trials}-{losses}"
            folder.mkdir()
            told(case, *cost_of_fits(folder, trials, losses, fits))
    for rows in (500, 30_000):
        cost_of_curves(rows)


def share_of_a_core(folder: Path, seconds: int) -> float:
    """Return the CPU of the sampling thread in percent of the time that it ran."""
    folder.mkdir()
    workers = [subprocess.Popen([sys.executable, "-c", BUSY], process_group=0) for _ in range(2)]
    spent: list[float] = []
    over = threading.Event()

    def run() -> None:
        log = SystemLog(folder)
        sample(log, "", over)
        log.close()
        spent.append(time.thread_time())

    thread = threading.Thread(target=run)
    begun = time.perf_counter()
    thread.start()
    over.wait(seconds)
    over.set()
    thread.join()
    passed = time.perf_counter() - begun
    for worker in workers:
        end(worker)
    samples = read_system(folder)
    assert len(samples) >= seconds
    assert max(sample.processes for sample in samples) == 5
    return 100 * spent[0] / passed


def end(worker: subprocess.Popen[bytes]) -> None:
    """End a worker and its child, which are alone in a process group."""
    assert os.getpgid(worker.pid) == worker.pid != os.getpgid(0)
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def cost_of_fits(folder: Path, trials: int, losses: int, fits: int) -> tuple[list[float], list[float]]:
    """Return CPU and wall seconds of each fit's lines."""
    log = RunLog(folder / "journal.jsonl")
    log.begin(format=1, experiment="benchmark")
    cpu, wall = [], []
    for number in range(fits):
        tried, outcome = a_fit(number, trials, losses)

        def write(key: str = f"fit-{number}", tried: list[Trial] = tried, outcome: Outcome = outcome) -> None:
            log.write_started(key)
            log.write_fit(key, tried, FOLD, outcome)

        spent, passed = timed(write)
        cpu.append(spent)
        wall.append(passed)
    log.close()
    return cpu, wall


def cost_of_curves(rows: int) -> None:
    """Print what the loss curves of each boosting family cost beside the fit itself."""
    draw = np.random.default_rng(0)
    matrix = draw.normal(size=(rows, 14))
    truth = (matrix[:, 0] * matrix[:, 1] + draw.normal(size=rows) > 0).astype(np.int64)
    cut = rows * 4 // 5
    shown = Shown(matrix[:cut], truth[:cut], matrix[cut:], truth[cut:])
    with OneThread() as threads:
        for name, rounds in BOOSTING.items():
            family = catalog.find("models", name)
            fitted, asked = [], []
            for _ in range(3):
                estimator = family.build({rounds: 200, "max_depth": 3}, 0)
                threads.hold()
                fitted.append(timed(partial(estimator.fit, shown.train, shown.train_truth))[0])
                asked.append(timed(partial(loss_curves, family, estimator, [estimator], shown))[0])
            fit, curves = statistics.median(fitted), statistics.median(asked)
            share = f"{100 * curves / fit:.1f} % of the fit's {1000 * fit:.0f} ms"
            print(f"loss curves of {name}, {rows:,} rows: median {1000 * curves:.1f} ms of CPU, {share}")


def a_fit(number: int, trials: int, losses: int) -> tuple[list[Trial], Outcome]:
    draw = np.random.default_rng(number)
    tried = [Trial(f"xgboost/{at:04d}", "xgboost", "xgboost", {"n_estimators": 100, "at": at}) for at in range(trials)]
    answers = tuple(
        TrialAnswer(
            trial.id,
            Prediction(np.zeros(2)),
            {"roc_auc": draw.random(), "accuracy": draw.random(), "log_loss": draw.random()},
            Curves({"train": tuple(draw.random(losses).tolist())} if losses else {}),
        )
        for trial in tried
    )
    return tried, Outcome("key", FitValue(answers, 0.123456, 0.01, 4000), None, 0.14, 0.14, 2**28)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def told(case: str, cpu: list[float], wall: list[float]) -> None:
    words = []
    for name, taken in (("CPU", cpu), ("wall", wall)):
        middle, rare = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
        words.append(f"{name} median {1000 * middle:.3f} ms, 95 % {1000 * rare:.3f}")
    print(f"a finished fit, {case}: {'; '.join(words)}")


if __name__ == "__main__":
    main()
