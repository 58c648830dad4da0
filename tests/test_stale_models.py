"""Models that were trained on a person who has been erased since: refused or marked wherever they could be used."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from in_process import Done, run, write_spec
from made_runs import USUAL, make_run, model
from made_runs import record as made_record

from mlrun import catalog, cli, runs
from mlrun.erase import Wish, erase
from mlrun.erasure.staleness import families_of, keeps_rows, worse
from mlrun.errors import UsageError
from mlrun.evaluate import evaluate
from mlrun.events import Noted
from mlrun.predict import predict
from mlrun.screen.standings import leaderboard
from mlrun.store.run_record import ModelRecord
from mlrun.store.stale_models import refusal, warning

PERSON = "ana-0001"
MODELS: dict[str, Any] = {
    "near": {"family": "k_nearest_neighbors", "n_neighbors": 3},
    "plain": {"family": "gaussian_nb"},
}


def table(first: int = 0) -> pl.DataFrame:
    draw = np.random.default_rng(3)
    pull = draw.normal(size=80)
    users = [PERSON if at % 8 == 0 else f"bob-{at % 8:04d}" for at in range(80)]
    target = np.where(pull + draw.normal(size=80) > 0, "yes", "no")
    return pl.DataFrame({"id": np.arange(first, first + 80), "user": users, "a": pull, "b": pull**2, "y": target})


def trained(folder: Path, **sections: Any) -> Done:
    """Run two models that never see the column of users."""
    data = {"path": "rows.csv", "target": "y", "id": "id", "drop": ["user"]}
    whole = {"experiment": "shop", "data": data, "split": {"folds": 2}, "models": MODELS, **sections}
    return run(write_spec(folder, json.dumps(whole)))


def erased(folder: Path, **wishes: Any) -> None:
    erase(folder / "runs", Wish("user", (PERSON,), **wishes), lambda told: None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    table().write_csv(folder / "rows.csv")
    trained(folder)
    return folder


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder, whose spec and data are those of the copy."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


def predicted(folder: Path, name: str, **options: Any) -> tuple[str, ...]:
    rows, output = str(folder / "rows.csv"), str(folder / "out.csv")
    return predict("shop@1", rows, output, name, (), str(folder / "runs"), **options).notes


def test_models_are_told_apart_by_what_they_hold(shop: Path) -> None:
    erased(shop)
    record = runs.read_run(shop / "runs/shop/0001")
    assert {each.name: (each.stale, bool(each.file)) for each in record.models if each.kind == "model"} == {
        "near": ("contains-verbatim", False),
        "plain": ("influenced", True),
    }


def test_a_deleted_model_says_why_it_is_not_there(shop: Path) -> None:
    erased(shop)
    with pytest.raises(UsageError, match=r"near of shop@1 held rows of a person who was erased, and was deleted"):
        predicted(shop, "near")
    with pytest.raises(UsageError, match="was deleted"):
        predicted(shop, "near", stale=True)


def test_a_kept_model_is_used_only_when_that_is_said(shop: Path) -> None:
    erased(shop, keep_models=True)
    with pytest.raises(UsageError, match="say --stale to use it"):
        predicted(shop, "near")
    with pytest.raises(UsageError, match="was kept nevertheless"):
        runs.load_model(shop / "runs/shop/0001", "near")
    assert predicted(shop, "near", stale=True) == ("near holds rows of a person who was erased since",)
    assert runs.load_model(shop / "runs/shop/0001", "near", stale=True)["family"] == "k_nearest_neighbors"


def test_a_model_that_was_only_influenced_predicts_and_warns(shop: Path) -> None:
    before = predicted(shop, "plain")
    erased(shop)
    (told,) = set(predicted(shop, "plain")) - set(before)
    assert told == warning(runs.read_run(shop / "runs/shop/0001"), "plain")
    assert "follows them" in told


def test_evaluate_tells_of_models_that_are_gone_and_refuses_without_the_best(shop: Path) -> None:
    erased(shop)
    path = shop / "runs/shop/0001"
    rows = str(shop / "new.csv")
    table(1000).write_csv(rows)
    best = runs.read_run(path).best
    if best == "near":
        with pytest.raises(UsageError, match="was deleted"):
            evaluate("shop@1", rows, (), str(shop / "runs"), lambda told: None)
    else:
        done = evaluate("shop@1", rows, (), str(shop / "runs"), lambda told: None)
        assert any(note.startswith("near is left out: near of shop@1 held rows") for note in done.notes)
        assert any(note.startswith("plain was trained on rows of a person") for note in done.notes)


def test_show_compare_and_list_mark_them(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained(shop)
    erased(shop)
    options = ["--runs", str(shop / "runs")]
    for command in (["show", "shop@1"], ["compare", "shop@1", "shop@2", "--no-tests"]):
        assert cli.run([*command, *options]) == 0
        shown = capsys.readouterr().out
        assert "near held rows of a person who was erased since, and was deleted with that" in shown
        assert "plain was trained on rows of a person who was erased since" in shown
    assert cli.run(["list", "--format", "json", *options]) == 0
    assert all(row["stale"] for row in json.loads(capsys.readouterr().out))


def test_nothing_is_reused_of_an_erased_run(shop: Path) -> None:
    again = trained(shop)
    assert again.record["fits"]["run"] == 0  # of a run that is whole, all is
    erased(shop)
    after = trained(shop)
    assert after.record["fits"]["reused"] == 0
    assert [each["stale"] for each in after.record["models"] if each["kind"] == "model"] == ["", ""]


def test_training_again_on_rows_that_hold_an_erased_person_is_warned_of(shop: Path) -> None:
    erased(shop)
    for options in ({"if_changed": True}, {}):
        done = run(shop / "spec.yaml", **options)
        assert any(isinstance(event, Noted) and "a person was erased" in event.text for event in done.events)
        assert (done.folder is None) == bool(options)
    table().filter(pl.col("user") != PERSON).write_csv(shop / "rows.csv")
    done = run(shop / "spec.yaml", if_changed=True)
    assert done.folder is not None
    assert not any(isinstance(event, Noted) and "a person was erased" in event.text for event in done.events)


def test_a_gate_against_a_run_without_its_best_model_is_not_run(shop: Path) -> None:
    best = runs.read_run(shop / "runs/shop/0001").best
    path = shop / "runs/shop/0001/run.json"
    erased(shop)
    if best != "near":  # the gate asks the best: let it be the one that is gone
        content = json.loads(path.read_bytes())
        content["best"] = "near"
        path.write_text(json.dumps(content))
    table().filter(pl.col("user") != PERSON).with_columns(pl.col("id") + 500).write_csv(shop / "rows.csv")
    done = trained(shop, gates=[{"metric": "accuracy", "drop_at_most": 0.01, "against": "shop@1"}])
    (gate,) = done.record["gates"]
    assert gate["status"] == "not_run"
    assert "was deleted" in gate["reason"] or "are needed" in gate["reason"]


def test_a_later_erasure_never_lightens_an_earlier_one() -> None:
    assert worse("influenced", "contains-verbatim") == "contains-verbatim"
    assert worse("contains-identifier", "influenced") == "contains-identifier"
    assert worse("", "influenced") == "influenced"


STORING = {"k_nearest_neighbors", "knn_distance", "local_outlier_factor", "one_class_svm", "rbf_svm"}


def test_the_shelf_says_which_families_store_rows() -> None:
    assert {name for name in catalog.names("models") if keeps_rows(name)} == STORING


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", catalog.names("models"))
def test_a_family_stores_rows_if_and_only_if_it_says_so(family: str) -> None:
    """Fit each family on rows with a number that nothing else can make, and look for it in what the estimator keeps."""
    entry = catalog.find("models", family)
    if entry.members == "many":
        pytest.skip("it keeps what its members keep")
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(60, 3))
    estimator = entry.build({}, 0, task=entry.tasks[0]) if entry.tasks[0] != "anomaly" else entry.build({}, 0)
    matrix = np.abs(rows) if "non_negative" in entry.needs else rows
    truth = (rows[:, 0] > 0).astype(int)
    estimator.fit(*((matrix,) if entry.tasks[0] == "anomaly" else (matrix, truth)))
    kept = sum(holds_row(estimator, row) for row in matrix)
    assert (kept > 0) == entry.stores_rows


def holds_row(estimator: Any, row: Any) -> bool:
    """Say whether some array in an estimator has this row, all of its numbers side by side."""
    waiting, seen = [estimator], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, np.ndarray):
            if part.dtype == object:
                waiting += list(part.ravel())
            elif part.ndim == 2 and part.shape[1] == len(row) and (np.abs(part - row).max(axis=1) < 1e-12).any():
                return True
            continue
        if type(part).__name__ in ("KDTree", "BallTree"):
            waiting.append(np.asarray(part.data))
            continue
        inside = part.values() if isinstance(part, dict) else part if isinstance(part, (list, tuple)) else ()
        waiting += list(inside)
        waiting += list(getattr(part, "__dict__", {}).values())
    return False


def test_an_ensemble_keeps_what_its_members_keep(tmp_path: Path) -> None:
    models: dict[str, dict[str, Any]] = {
        "near": {"family": "k_nearest_neighbors", "members": [], "base": None, "meta": None},
        "plain": {"family": "gaussian_nb", "members": [], "base": None, "meta": None},
        "vote": {"family": "voting", "members": ["plain", "near"], "base": None, "meta": None},
        "bag": {"family": "bagging", "members": [], "base": "near", "meta": None},
        "stack": {"family": "stacking", "members": ["plain", "bag"], "base": None, "meta": "rbf_svm"},
        "other": {"family": "stacking", "members": ["plain", "plain"], "base": None, "meta": "ridge"},
    }
    (tmp_path / "spec.resolved.json").write_text(json.dumps({"models": models}))

    def keeps(name: str) -> bool:
        found = ModelRecord(name, "model", str(models[name]["family"]))
        return any(keeps_rows(family) for family in families_of(tmp_path, found))

    assert {name for name in models if keeps(name)} == {"near", "vote", "bag", "stack"}


def test_an_author_s_own_family_is_taken_to_keep_rows() -> None:
    assert keeps_rows("my_models:build")
    assert keeps_rows("family_of_a_later_version")


def test_best_is_a_run_whose_model_may_be_used(tmp_path: Path) -> None:
    better = replace(USUAL[0], stale="contains-verbatim", file="")
    make_run(tmp_path, made_record((model("plain", 0.8),)))
    make_run(tmp_path, made_record((better,)))
    assert runs.resolve(tmp_path, "income@best").name == "0001"
    make_run(tmp_path, made_record((replace(USUAL[0], stale="influenced"),)))
    assert runs.resolve(tmp_path, "income@best").name == "0003"
    make_run(tmp_path / "only", made_record((better,)))
    assert runs.resolve(tmp_path / "only", "income@best").name == "0001"


def test_the_leaderboard_says_it_below() -> None:
    models = (replace(USUAL[0], stale="contains-verbatim", file=""), model("other", 0.8, stale="influenced"))
    notes = leaderboard(made_record(models)).notes
    assert "xgboost held rows of a person who was erased since, and was deleted with that" in notes
    assert any(note.startswith("other was trained on rows of a person who was erased since") for note in notes)


def test_a_model_that_is_not_stale_is_neither_refused_nor_marked(tmp_path: Path) -> None:
    record = runs.read_run(make_run(tmp_path))
    assert refusal(record, "xgboost") == ""
    assert warning(record, "xgboost") == ""
    assert refusal(record, "no such model") == ""
