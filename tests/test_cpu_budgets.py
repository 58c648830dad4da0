"""A budget of CPU seconds: what it is spent on, and what `plan` can say of it ahead."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from in_process import run, write_spec

from mlrun import rounds
from mlrun.preview import make_plan
from mlrun.run_options import TrainOptions
from mlrun.view.plan import whole

if TYPE_CHECKING:
    import pytest

SPEC = """
experiment: budget
data: {source: sklearn, name: iris}
split: {folds: 2}
baselines: []
evaluation: none
models:
  gaussian_nb: {var_smoothing: {log_uniform: [1e-9, 1]}}
  fixed: {family: gaussian_nb, var_smoothing: 1e-9}
search: {strategy: random, budget: {cpu_seconds: 3600}}
"""


def test_thinking_is_spent_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four proposals of eight trials at 1,000 s each, by a clock of our own, are more than an hour."""
    clock = itertools.count(step=1_000)
    monkeypatch.setattr(rounds, "time", SimpleNamespace(process_time=lambda: float(next(clock))))
    done = run(write_spec(tmp_path, SPEC))
    names = [trial.partition("/")[0] for trial in done.reasons]
    assert names.count("gaussian_nb") == 32
    assert names.count("fixed") == 1


def test_plan_says_what_comes_first_and_what_may_be_spent_then(tmp_path: Path) -> None:
    plan = make_plan(write_spec(tmp_path, SPEC), (), TrainOptions())
    told = "9 trials, 18 fits to begin with; then as many as 1 h 00 min of CPU a model pay for, 2 h 00 min in all"
    assert whole(plan) == told
