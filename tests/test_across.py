"""Models over several data sets: ranks as scipy gives them, and only where runs are of several data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_runs import make_run, model, record
from scipy.stats import rankdata

from mlrun.cli import run
from mlrun.compare import compare, exit_code

SCORES = np.array([[0.95, 0.90, 0.60], [0.91, 0.92, 0.55], [0.88, 0.80, 0.70], [0.99, 0.93, 0.71], [0.85, 0.80, 0.61]])
NAMES = ("xgboost", "lda", "stump")


def made(root: Path, number: int, row: np.ndarray, **changes: object) -> Path:
    models = [model(name, float(score)) for name, score in zip(NAMES, row, strict=True)]
    facts = {"experiment": f"set-{number}", "data_id": f"{number:032x}", **changes}
    return make_run(root, record(models, **facts), data={"data_id": facts["data_id"], "test": f"{number:032x}"})


def test_models_are_ranked_over_data_sets(tmp_path: Path) -> None:
    found = compare([made(tmp_path, number, row) for number, row in enumerate(SCORES)]).across
    assert found is not None
    ranks = rankdata(-SCORES, axis=1).mean(axis=0)
    assert [(each.model, each.mean_rank) for each in found.models] == sorted(
        zip(NAMES, ranks, strict=True), key=lambda pair: pair[1]
    )
    # Demšar 2006, section 3.2.2: q of .05 for three models is 2.343
    assert found.critical_difference == pytest.approx(2.343 * np.sqrt(3 * 4 / (6 * 5)), abs=1e-3)
    assert [each.model for each in found.models if each.apart] == ["stump"]


def test_the_page_says_which_models_are_worse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(made(tmp_path, number, row)) for number, row in enumerate(SCORES)]
    assert run(["compare", *runs, "--runs", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "xgboost ranks first over 5 data sets; it is shown to be better than stump" in told
    assert "not comparable" not in told


@pytest.mark.parametrize("count", [1, 2])
def test_two_data_sets_are_no_sample_of_data_sets(tmp_path: Path, count: int) -> None:
    found = compare([made(tmp_path, number, row) for number, row in enumerate(SCORES[: count + 1])])
    assert (found.across is None) == (count + 1 < 3)


def test_runs_of_one_experiment_are_compared_row_by_row(tmp_path: Path) -> None:
    folders = [made(tmp_path, 0, row, experiment="one", data_id="0" * 32) for row in SCORES]
    assert compare(folders).across is None


def test_a_regression_is_not_concluded_from_ranks(tmp_path: Path) -> None:
    found = compare([made(tmp_path, number, row) for number, row in enumerate(SCORES)])
    assert (exit_code(found, fail_on_regression=False), exit_code(found, fail_on_regression=True)) == (0, 3)
