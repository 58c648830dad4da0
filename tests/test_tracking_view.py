"""What was tracked of a run, as people see it: brief by default, all of it when asked for, true to the files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from made_runs import USUAL, make_run, model, record, trial_of
from sklearn.naive_bayes import GaussianNB
from small_runs import trained

from mlrun import report
from mlrun.estimator.hyperparameters import left_open
from mlrun.json_records import encode
from mlrun.picture.load import MEBIBYTE, PLACES, load_picture, load_pictures, loads_of
from mlrun.picture.losses import loss_picture, mean_of
from mlrun.picture.shapes import Chart
from mlrun.records import Trial, TrialResult
from mlrun.runs import read_run
from mlrun.store.run_record import MetricRecord, TaskRecord
from mlrun.store.run_tracking import CURVES, SYSTEM, TIMINGS, read_curves, read_system
from mlrun.tracked import LossCurves, SystemSample, Timing
from mlrun.view.samples import samples as chosen_rows
from mlrun.view.tracking import read_tracked, summary, tracking
from mlrun.view.tracking_in_full import fits, told_failures, trial_table

if TYPE_CHECKING:
    from in_process import Done

EVIL = "\x1b[31m[/]<script>\u202e"
GIB = 2**30


def sample(seconds: float, cpu: float | None, memory: int = GIB, disk: int | None = 0) -> SystemSample:
    return SystemSample(seconds, cpu, memory, disk, disk, 3)


def write_lines(folder: Path, name: str, lines: list[Any]) -> None:
    (folder / name).write_text("".join(json.dumps(encode(line)) + "\n" for line in lines))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Return a run with boosting, whose losses are told, and a failure, whose message is."""
    models = {
        "xgboost": {"n_estimators": [5, 20], "max_depth": 2},
        "gaussian_nb": {},
        "k_nearest_neighbors": {"n_neighbors": [5, 500], "weights": "uniform"},
    }
    place = tmp_path_factory.mktemp("tracked")
    done = trained(place, models=models, evaluation="none", metrics=["roc_auc", "log_loss"])
    assert done.folder is not None
    write_lines(done.folder, SYSTEM, [sample(0, None), sample(1, 90), sample(2, 80)])  # however quick it was
    return done


def shown(folder: Path, capsys: pytest.CaptureFixture[str], **options: Any) -> str:
    report.show(folder, **options)
    return capsys.readouterr().out


def test_show_is_brief_and_says_how_more_is_seen(run: Done, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.folder is not None
    text = shown(run.folder, capsys)
    part = text[text.index("\ntracking\n") : text.index("\nwhere from\n")]
    for said in (" fits in ", "slowest model: ", "CPU: ", "memory: ", "more with show --all", "Losses of xgboost"):
        assert said in part
    assert len(part.splitlines()) < 45
    assert "trials, best first" not in text


def test_all_shows_curves_load_fits_folds_params_trials_and_predictions(
    run: Done, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.folder is not None
    text = shown(run.folder, capsys, all_=True)
    assert "more with show --all" not in text
    for title in (
        "loss curves",
        "system load",
        "fits of each",
        "scores on each fold",
        "hyperparameters",
        "trials, best",
    ):
        assert f"\n{title}" in text
    assert "truth" in text[text.index("predictions of ") :]
    assert "xgboost/0001" in text
    assert "n_neighbors=500" in text  # the trial that failed, with its params
    failed = text[text.index("fits of each") : text.index("scores on each")]
    assert "k_nearest_neighbors: 2 fits raised ValueError (k_nearest_neighbors/" in failed
    assert "Expected n_neighbors <= n_samples_fit" in failed


def test_every_score_on_every_fold_is_seen(run: Done, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.folder is not None
    content = json.loads(shown(run.folder, capsys, form="json", all_=True))
    rows = content["tracked"]["scores on each fold"]
    known = {json.loads(line)["id"]: json.loads(line)["scores"] for line in run.trials.splitlines()}
    champions = {each["name"]: each["trial"] for each in content["models"] if each["kind"] == "model"}
    assert len(rows) == 2 * len(champions)
    for row in rows:
        assert row["scores"] == known[champions[row["model"]]][row["metric"]]
    assert {row["trial"] for row in content["tracked"]["trials, best first"]} == set(known)
    assert content["tracking"]["fits"] == len(run.read(TIMINGS).splitlines())


def test_every_hyperparameter_of_a_champion_is_recorded_also_those_that_nobody_named(run: Done) -> None:
    assert run.folder is not None
    champions = {each.name: each for each in read_run(run.folder).models if each.kind == "model"}
    bayes = champions["gaussian_nb"]
    assert {**GaussianNB().get_params(), **bayes.params} == {**bayes.defaults, **bayes.params}
    boosted = champions["xgboost"]
    assert not set(boosted.params) & set(boosted.defaults)
    assert boosted.defaults["n_jobs"] == 1
    assert isinstance(boosted.defaults["random_state"], int)
    assert left_open(object(), {}) == {}


def test_html_has_all_of_it_folded_and_runs_nothing(run: Done, tmp_path: Path) -> None:
    assert run.folder is not None
    report.show(run.folder, html_file=str(tmp_path / "run.html"))
    page = (tmp_path / "run.html").read_text()
    assert page.count("<details>") == page.count("</details>") == 7
    assert "<script" not in page
    assert "<details open" not in page
    assert "Losses of xgboost" in page[: page.index("<details>")]  # the small picture is in sight
    assert 'class="curve behind"' in page[page.index("<details>") :]  # a line a fold
    assert "predictions of" in page[page.index("<details>") :]


def test_a_markdown_file_has_all_only_when_asked(run: Done, tmp_path: Path) -> None:
    assert run.folder is not None
    for name, all_ in (("brief.md", False), ("all.md", True)):
        report.show(run.folder, markdown_file=str(tmp_path / name), all_=all_)
    assert "## trials, best first" not in (tmp_path / "brief.md").read_text()
    assert "## trials, best first" in (tmp_path / "all.md").read_text()


def test_a_run_that_was_not_tracked_shows_as_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path)
    assert "\ntracking\n" not in shown(folder, capsys)
    assert "\nhyperparameters of each champion\n" in shown(folder, capsys, all_=True)
    told = json.loads(shown(folder, capsys, form="json"))["tracking"]
    assert (told["fits"], told["peak_memory_bytes"], told["cores_busy"]) == (0, None, None)


def test_damaged_lines_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path)
    write_lines(folder, SYSTEM, [sample(0, None), sample(1, 100), sample(2, 50)])
    with (folder / SYSTEM).open("a") as file:
        file.write('{"seconds": 3}\nnothing\n\x00\xff\n{"seconds": 4, "cpu_per')
    (folder / TIMINGS).write_bytes(b"\xff\xfe[1, 2]")
    (folder / CURVES).write_text('{"trial": "a", "fold": "0.0", "curves": {"train": ["high"]}}\n')
    assert len(read_system(folder)) == 3
    assert read_curves(folder) == ()
    assert "CPU: 1.5 s" in shown(folder, capsys, all_=True)


def test_what_was_used_adds_up_and_a_pause_counts_for_nothing(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    lines = [sample(0, None), sample(1, 200, 2 * GIB), sample(3, 50), sample(103, None), sample(104, 100, GIB, 5)]
    write_lines(folder, SYSTEM, lines)
    timings = [
        Timing("xgboost/0@0.0", "xgboost", "done", 2.0, 2.0, 1.0, 0.1, 100.0, 7),
        Timing("xgboost/0@0.1", "xgboost", "done", 2.0, 2.0, 3.0, 0.1, 200.0, 7),
        Timing("lda/0@0.0", "lda", "raised", 1.0, 1.0, error="ValueError"),
    ]
    write_lines(folder, TIMINGS, timings)
    used = summary(read_run(folder), read_tracked(folder))
    assert used.cpu_seconds == pytest.approx(2.0 + 2 * 0.5 + 1.0)
    assert (used.seconds, used.paused_seconds) == (4.0, 100.0)
    assert used.cores_busy == pytest.approx(1.0)
    assert (used.peak_memory_bytes, used.processes, used.read_bytes) == (2 * GIB, 3, 5)
    assert (used.fits, used.failed_fits, used.fits_per_second) == (3, 1, 0.75)
    assert used.rows_per_second == pytest.approx((100 + 600) / 4)
    assert (used.slowest_model, used.slowest_model_seconds) == ("xgboost", 4.0)
    (section,) = tracking(read_run(folder), read_tracked(folder), ask=False)
    assert "cut off and gone on with: 1 min 40 s without a process" in section.lines


def test_many_samples_become_few_points_and_lose_no_cpu() -> None:
    samples = [sample(0, None), *(sample(at, 100 + 50 * math.sin(at), GIB + at) for at in range(1, 5001))]
    drawn = loads_of(samples)
    assert len(drawn.cpu) <= PLACES + 5
    used = sum(each.cpu_percent or 0 for each in samples)
    steps = zip([(0.0, 0.0), *drawn.cpu], drawn.cpu, strict=False)
    assert sum(high * (at - before) for (before, _), (at, high) in steps) == pytest.approx(used)
    assert max(y for _, y in drawn.memory) == (GIB + 5000) / MEBIBYTE


def test_while_a_run_was_cut_off_nothing_was_used() -> None:
    samples = [sample(0, None), sample(1, 90), sample(2, 90), sample(50, None), sample(51, 80), sample(52, 80)]
    drawn = loads_of(samples)
    assert drawn.cpu == ((1, 90), (2, 90), (2, 0), (50, 0), (51, 80), (52, 80))
    full = GIB / MEBIBYTE
    assert drawn.memory == ((0, full), (1, full), (2, full), (2, 0), (50, 0), (50, full), (51, full), (52, full))
    picture = load_picture(samples, 2)
    assert isinstance(picture, Chart)
    assert "At most 0.9 of 2 cores busy, 1.0 GiB" in picture.caption


@pytest.mark.parametrize("samples", [[], [sample(0, None)], [sample(0, None), sample(0.4, 3)], [sample(9, 5)]])
def test_too_few_samples_are_no_picture(samples: list[SystemSample]) -> None:
    assert load_picture(samples, None) is None
    assert not list(load_pictures(samples, None))


def test_a_system_that_tells_nothing_of_the_disk_has_no_picture_of_it() -> None:
    samples = [sample(0, None, disk=None), sample(1, 0, 0, None), sample(2, 0, 0, None)]
    assert [picture.title for picture in load_pictures(samples, None)] == [
        "CPU of all processes",
        "Memory of all processes",
    ]


def test_the_mean_over_folds_goes_as_far_as_the_shortest() -> None:
    mean = mean_of([((1, 4.0), (3, 2.0), (9, 0.0)), ((1, 2.0), (5, 0.0))])
    assert [x for x, _ in mean] == [1, 3, 5]
    assert [y for _, y in mean] == pytest.approx([3.0, (2.0 + 1.0) / 2, (2.0 - 2 * 2 / 6) / 2])


def test_a_picture_of_losses_says_where_the_held_out_rows_did_best() -> None:
    lines = [
        LossCurves(
            "a/0", f"0.{fold}", {"train": (3, 2, 1), "validation": (3, 2, 2.5 + fold)}, {"validation": (1, 4, 8)}
        )
        for fold in (0, 1)
    ]
    picture = loss_picture("a", lines)
    assert picture is not None
    assert [curve.name for curve in picture.curves if not curve.faint] == ["train", "validation"]
    assert sum(curve.faint for curve in picture.curves) == 4
    assert picture.caption.startswith("train ends at 1.000; validation is least after round 4, 2.000, and 3.000 at the")
    assert loss_picture("a", [LossCurves("a/0", "0.0", {"train": (None, 1.0)})]) is None


def test_trials_stand_best_first_in_the_direction_of_the_metric_and_failures_last() -> None:
    def result(number: int, score: float, status: Any = "done") -> TrialResult:
        trial = Trial(f"a/{number:04d}", "a", "a", {"C": number})
        return TrialResult(trial, status, {"log_loss": (score,)}, "timeout" if status != "done" else "")

    made = record((model("a", 0.5, trial="a/0002"),), metrics=(MetricRecord("log_loss", "minimize"),))
    table = trial_table(made, made.models, [result(1, 0.3), result(2, 0.1), result(3, 0.0, "timeout")])
    assert [row["trial"] for row in table.rows] == ["a/0002", "a/0001", "a/0003"]
    assert [table.style(row) for row in table.rows] == ["bold", "", "red"]


def test_fits_of_a_model_are_counted_with_their_failures_and_messages(capsys: pytest.CaptureFixture[str]) -> None:
    failed = [Timing(f"a/{at}@0.0", "a", "raised", 1.0, 1.0, error="ValueError", message=EVIL) for at in range(2)]
    timings = [Timing("a/2@0.0", "a", "done", 5.0, 4.0, 3.0, 1.0, 10.0, 2**20), *failed]
    (row,) = fits(timings).rows
    assert (row["fits"], row["failed"], row["median_fit_seconds"], row["peak_bytes"]) == (3, 2, 3.0, 2**20)
    assert list(told_failures(timings)) == [f"a: 2 fits raised ValueError (a/0@0.0 and others): {EVIL}"]


def test_what_a_run_says_of_itself_is_shown_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path, trials=[trial_of("xgboost", [0.9, 0.8])])
    write_lines(folder, TIMINGS, [Timing(f"{EVIL}@0.0", EVIL, "raised", 1.0, 1.0, error="E", message=EVIL)])
    write_lines(folder, CURVES, [LossCurves("xgboost/0001", EVIL, {EVIL: (2.0, 1.0)})])
    text = shown(folder, capsys, all_=True)
    assert "\x1b" not in text
    assert "\u202e" not in text
    report.show(folder, html_file=str(tmp_path / "run.html"))
    assert "<script" not in (tmp_path / "run.html").read_text()


def predictions(folder: Path, table: dict[str, list[Any]], parts: str | list[str] = "test") -> None:
    (folder / "predictions").mkdir(exist_ok=True)
    count = len(table["truth"])
    columns = {"row": list(range(count)), "part": [parts] * count if isinstance(parts, str) else parts, **table}
    pl.DataFrame(columns).write_parquet(folder / "predictions" / "xgboost.parquet")


def kinds_of(folder: Path, task: TaskRecord) -> Callable[[str], list[int]]:
    table = chosen_rows(folder, record(USUAL, task=task), "xgboost")
    rows = () if table is None else table.rows
    return lambda kind: [row["row"] for row in rows if row["kind"] == kind]


def test_the_surest_mistakes_come_first(tmp_path: Path) -> None:
    sure = [0.9, 0.6, 0.8, 0.99, 0.7]
    table: dict[str, list[Any]] = {
        "truth": ["a", "a", "a", "b", "b"],
        "prediction": ["a", "b", "b", "b", "a"],
        "p_0": [0.9, 0.4, 0.2, 0.01, 0.7],
    }
    predictions(tmp_path, {**table, "p_1": [1 - p for p in table["p_0"]]})
    rows = kinds_of(tmp_path, TaskRecord("classification", ("a", "b"), "b"))
    assert rows("surest mistake") == sorted([1, 2, 4], key=lambda row: -sure[row])
    assert set(rows("typical")) == {0, 3}


def test_without_test_rows_the_folds_are_shown_and_rows_without_an_answer_are_not(tmp_path: Path) -> None:
    predictions(tmp_path, {"truth": [1.0, 2.0, 3.0, 4.0], "prediction": [1.5, 2.0, -6.0, None]}, "fold")
    rows = kinds_of(tmp_path, TaskRecord("regression"))
    assert rows("largest error") == [2, 0, 1]
    predictions(tmp_path, {"truth": [1.0, 9.0], "prediction": [1.5, 2.0]}, ["test", "fold"])
    assert kinds_of(tmp_path, TaskRecord("regression"))("largest error") == [0]


def test_of_anomalies_the_farthest_on_the_wrong_side_are_shown_and_without_truth_the_oddest(tmp_path: Path) -> None:
    labels = TaskRecord("anomaly", ("usual", "odd"))
    said: dict[str, list[Any]] = {
        "prediction": ["usual", "usual", "odd", "odd", "odd"],
        "score": [-5.0, 1.0, 3.0, 4.0, 90.0],
    }
    predictions(tmp_path, {"truth": ["odd", "usual", "odd", "usual", "usual"], **said})
    assert kinds_of(tmp_path, labels)("surest mistake") == [4, 0, 3]
    predictions(tmp_path, {"truth": [None] * 5, "prediction": [0, 0, 1, 1, 1], "score": said["score"]})
    assert kinds_of(tmp_path, TaskRecord("anomaly"))("most anomalous") == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("content", [None, b"", b"PAR1 is what it begins with"])
def test_predictions_that_are_gone_or_damaged_are_not_shown(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "predictions").mkdir()
        (tmp_path / "predictions" / "xgboost.parquet").write_bytes(content)
    assert chosen_rows(tmp_path, record(USUAL), "xgboost") is None


@pytest.mark.parametrize("kind", ["multiclass", "regression", "anomaly"])
def test_runs_of_every_task_show_in_full(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = trained(tmp_path, kind, evaluation="none")
    assert done.folder is not None
    text = shown(done.folder, capsys, all_=True)
    assert "typical" in text[text.index("predictions of ") :]
    assert "\x1b" not in text
