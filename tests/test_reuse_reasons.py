"""Why each planned trial is or is not taken over: the plan's words are held against what the run then does."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from in_process import Done, run, write_spec
from small_runs import table

from mlrun import cli
from mlrun.preview import PlannedTrial, make_plan
from mlrun.run_options import TrainOptions

SPEC: dict[str, Any] = {
    "experiment": "why",
    "data": {"path": "rows.csv", "target": "y", "id": "id", "sensitive": ["sex"]},
    "models": {"logistic_regression": {"C": [0.1, 1]}, "tree": {"family": "decision_tree", "max_depth": [1, 2]}},
    "split": {"folds": 2},
    "metrics": ["roc_auc"],
}
PARTS = "def make():\n    from sklearn.naive_bayes import GaussianNB\n    return GaussianNB()\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Return a spec with one run."""
    table("binary").write_csv(tmp_path / "rows.csv")
    path = write_spec(tmp_path, json.dumps(SPEC))
    run(path)
    return path


def planned(spec: Path, *overrides: str, **options: Any) -> dict[str, PlannedTrial]:
    plan = make_plan(spec, (*overrides, "evaluation=none"), TrainOptions(**options))
    assert sum(line.cached for line in plan.lines) == sum(trial.reused for trial in plan.trials)
    return {trial.trial: trial for trial in plan.trials}


def whys(spec: Path, *overrides: str, **options: Any) -> set[tuple[bool, str, str]]:
    """Return what becomes of the trials, each way once; the run that follows must reuse as many."""
    found = planned(spec, *overrides, **options)
    counts = run(spec, *overrides, **options).record["fits"]
    assert counts["reused"] == sum(trial.reused for trial in found.values())
    return {(trial.reused, trial.run, trial.why) for trial in found.values()}


def test_the_first_run_has_nothing_to_reuse(tmp_path: Path) -> None:
    table("binary").write_csv(tmp_path / "rows.csv")
    assert whys(write_spec(tmp_path, json.dumps(SPEC))) == {(False, "", "no earlier run")}


def test_what_is_the_same_is_reused_and_the_run_is_named(spec: Path) -> None:
    assert whys(spec) == {(True, "why@1", "")}
    assert whys(spec) == {(True, "why@2", "")}, "the newest one"


def test_no_cache_is_a_reason(spec: Path) -> None:
    assert whys(spec, no_cache=True) == {(False, "", "--no-cache")}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("seed=4", "seed 0 → 4"),
        ("split.folds=3", "folds differ: split.folds"),
        ("split.seed=9", "folds differ: split.seed"),
        ("data.where=a > -1", "the data differs: rows, values of a, values of b, values of id and 2 more"),
        ("data.drop=[b]", "features differ: b"),
        ("data.sensitive=[]", "features differ: sex"),
        ("data.positive=no", "positive none → no"),
        ("data.weight=id", "weight none → id"),
        ("metrics=[roc_auc, f1]", "f1 not scored there"),
        ("costs={false_negative: 5, false_positive: 1}", "costs.false_negative none → 5.0"),
    ],
)
def test_what_differs_for_all_is_named(spec: Path, change: str, why: str) -> None:
    ((reused, beside, told),) = whys(spec, change)
    assert (reused, beside) == (False, "why@1")
    assert why in told


def test_preparation_concerns_the_models_that_it_changes(spec: Path) -> None:
    change = "models.logistic_regression.prepare={numeric: {scale: minmax}}"
    found = planned(spec, change, "models.tree.max_depth=[2, 3]")
    assert {name: (trial.reused, trial.why) for name, trial in found.items()} == {
        "logistic_regression/0000": (False, "preparation differs: numeric.scale"),
        "logistic_regression/0001": (False, "preparation differs: numeric.scale"),
        "tree/0000": (True, ""),
        "tree/0001": (False, "params not tried before"),
    }


def test_several_causes_are_all_told(spec: Path) -> None:
    ((_, _, told),) = whys(spec, "seed=4", "data.drop=[b]")
    assert told == "seed 0 → 4; features differ: b"


def test_other_rows_and_another_order_of_rows_are_told_apart(spec: Path) -> None:
    rows = table("binary")
    rows.reverse().write_csv(spec.parent / "rows.csv")
    assert whys(spec) == {(False, "why@1", "the rows are in another order")}
    rows[3, "a"] = 9.0
    rows.write_csv(spec.parent / "rows.csv")
    assert whys(spec) == {(False, "why@2", "the data differs: values of a")}
    assert whys(spec, sample=100) == {(False, "why@3", "all rows → a sample of 100 rows")}


def test_a_model_under_another_name_has_other_seeds(spec: Path) -> None:
    models = {"stump": SPEC["models"]["tree"]}
    write_spec(spec.parent, json.dumps({**SPEC, "models": models}))
    assert whys(spec) == {(False, "why@1", "the model was called tree, and seeds follow the name")}


def test_a_failure_is_tried_again_and_named(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import pathlib\nfrom sklearn.naive_bayes import GaussianNB\ndef build(params, seed):\n"
        "    if pathlib.Path(__file__).with_name('fail').exists():\n        raise OSError('no luck')\n"
        "    return GaussianNB()\n"
    )
    (tmp_path / "fail").touch()
    table("binary").write_csv(tmp_path / "rows.csv")
    spec = write_spec(tmp_path, json.dumps({**SPEC, "models": {"own": {"family": "own:build"}, "lda": {}}}))
    run(spec, "models.lda.shrinkage=[null]")
    (tmp_path / "fail").unlink()
    found = planned(spec, "models.lda.shrinkage=[null]")
    assert found["own/0000"].why == "it failed there (raised: OSError), and is tried again"
    assert found["lda/0000"].reused


def test_user_code_names_the_module_that_changed(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import parts\ndef build(params, seed):\n    return parts.make()\n")
    (tmp_path / "parts.py").write_text(
        "def make():\n    from sklearn.naive_bayes import GaussianNB\n    return GaussianNB()\n"
    )
    table("binary").write_csv(tmp_path / "rows.csv")
    spec = write_spec(tmp_path, json.dumps({**SPEC, "models": {"own": {"family": "own:build"}}}))
    run(spec)
    (tmp_path / "parts.py").write_text(f"{PARTS}# another\n")
    assert whys(spec) == {(False, "why@1", "user code differs: parts")}


def test_another_version_of_a_package_that_only_user_code_imports_is_another_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    installed(site, "1.0")
    (tmp_path / "own.py").write_text(f"import odd_numbers\n{PARTS}def build(params, seed):\n    return make()\n")
    table("binary").write_csv(tmp_path / "rows.csv")
    spec = write_spec(tmp_path, json.dumps({**SPEC, "models": {"own": {"family": "own:build"}}}))
    assert json.loads(run(spec).read("env.json"))["packages"]["odd-numbers"] == "1.0"
    assert whys(spec) == {(True, "why@1", "")}
    shutil.rmtree(site / "odd_numbers-1.0.dist-info")
    installed(site, "1.1")
    assert whys(spec) == {(False, "why@2", "odd-numbers 1.0 → 1.1")}


def installed(site: Path, version: str) -> None:
    """Write a distribution whose module is called otherwise, as far as importlib.metadata looks."""
    (site / "odd_numbers.py").write_text("")
    info = site / f"odd_numbers-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: odd-numbers\nVersion: {version}\n")
    (info / "RECORD").write_text("odd_numbers.py,,\n")


def own_record_changed(done: Path, name: str, change: Mapping[str, Any]) -> None:
    """Change what a run's provenance says."""
    content = json.loads((done / name).read_bytes())
    for key, value in change.items():
        content[key] = {**content[key], **value} if isinstance(value, Mapping) else value
    (done / name).write_text(json.dumps(content))


def test_packages_and_machine_are_named(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlrun import provenance

    real = provenance.packages()
    monkeypatch.setattr(provenance, "packages", lambda: {**real, "numpy": "99.0", "joblib": "99.0"})
    assert whys(spec) == {(False, "why@1", f"numpy {real['numpy']} → 99.0")}
    here = provenance.machine()
    monkeypatch.setattr(provenance, "machine", lambda: {**here, "architecture": "riscv"})
    assert whys(spec) == {(False, "why@2", f"{here['architecture']} → riscv")}


def test_an_older_record_says_what_it_can(spec: Path) -> None:
    folder = spec.parent / "runs" / "why" / "0001"
    own_record_changed(folder, "data.json", {"folds": {}, "features": []})
    (trial, *_) = planned(spec, "split.folds=3").values()
    assert trial.why == "folds differ: split.folds"
    for name in ("data.json", "env.json", "code.json", "spec.resolved.json"):
        (folder / name).unlink()
    (trial, *_) = planned(spec, "split.folds=3").values()
    assert trial.why == "something that the run's record does not tell"


def test_a_run_from_elsewhere_or_with_changed_trials_is_not_reused(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(spec.parent / "another"))
        ((reused, beside, told),) = {(each.reused, each.run, each.why) for each in planned(spec).values()}
        assert (reused, beside) == (False, "why@1")
        assert told == "that run was made elsewhere, by an older mlrun, or changed since"
    trials = spec.parent / "runs" / "why" / "0001" / "trials.jsonl"
    trials.write_bytes(trials.read_bytes().replace(b"0.1", b"0.2"))
    assert {each.why for each in planned(spec).values()} == {"params not tried before"}


def test_a_damaged_or_missing_runs_folder_is_no_reason_to_stop(spec: Path) -> None:
    (spec.parent / "runs" / "why" / "0001" / "run.json").write_text("{")
    assert {each.why for each in planned(spec).values()} == {"no earlier run"}
    shutil.rmtree(spec.parent / "runs")
    assert {each.why for each in planned(spec).values()} == {"no earlier run"}


def test_what_an_ensemble_is_made_of_is_not_known_yet(spec: Path) -> None:
    models = {**SPEC["models"], "vote": {"family": "voting", "members": ["logistic_regression", "tree"]}}
    write_spec(spec.parent, json.dumps({**SPEC, "models": models}))
    assert planned(spec)["vote/0000"].why == "its members are chosen first"


# -- what is printed --------------------------------------------------------------------------------------------------


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(["plan", *arguments]) == 0
    return capsys.readouterr().out


def test_the_plan_sums_up_and_tells_each_trial_where_asked(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change = ["--set", "models.tree.max_depth=[2, 3]", "--set", "models.logistic_regression.C=[1]"]
    out = shown(capsys, str(spec), *change)
    assert "logistic_regression: 1 of 1 reused from why@1" in out
    assert "tree: 1 of 2 reused from why@1; 1 new: params not tried before" in out
    assert "tree/0001" not in out
    out = shown(capsys, str(spec), *change, "--trials")
    assert max(map(len, out.partition("\ntrials\n")[2].partition("\n\n")[0].splitlines())) <= 80
    rows = list(csv.DictReader(io.StringIO(shown(capsys, str(spec), *change, "--trials", "--format", "csv"))))
    assert [(row["trial"], row["reused"], row["run"], row["why"]) for row in rows] == [
        ("logistic_regression/0000", "true", "why@1", ""),
        ("tree/0000", "true", "why@1", ""),
        ("tree/0001", "false", "", "params not tried before"),
    ]
    content = json.loads(shown(capsys, str(spec), *change, "--trials", "--format", "json"))
    assert [trial["params"] for trial in content["trials"]] == [{"C": 1}, {"max_depth": 2}, {"max_depth": 3}]
    assert content["lines"][1]["causes"] == {"params not tried before": 1}
    assert "trials" not in json.loads(shown(capsys, str(spec), "--format", "json"))


def test_a_model_with_several_reasons_counts_each(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, str(spec), "--set", "seed=2", "--set", "models.tree.max_depth=[1, 2, 3]")
    assert "to be run: logistic_regression (seed 0 → 2)" in out
    assert "to be run: tree (2 × seed 0 → 2, 1 × params not tried before)" in out


def test_rows_stay_out_of_the_reasons(spec: Path) -> None:
    pl.concat([table("binary"), table("binary", rows=3, seed=5, first=7000)]).write_csv(spec.parent / "rows.csv")
    done: Done = run(spec)
    assert done.folder is not None
    ((_, _, told),) = {(each.reused, each.run, each.why) for each in planned(spec, "data.limit=260").values()}
    assert "7000" not in told
