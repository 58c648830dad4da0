"""Models in files: whole, bounded, of known types, or not loaded at all."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import sys
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from mlrun import catalog, runs
from mlrun.contracts import ModelFamily
from mlrun.errors import DataError, StorageError, UsageError
from mlrun.prepare import Preparation, learn
from mlrun.recipes import Recipe
from mlrun.records import TaskKind
from mlrun.store import model_files
from mlrun.store.model_bounds import check_bounds
from mlrun.store.run_record import ModelRecord, RunRecord, VerdictRecord

GENERATOR = np.random.default_rng(0)
X = GENERATOR.random((60, 4))
CLASSES = (3 * X[:, 0]).astype(np.int64)
NUMBERS = X @ np.arange(4.0)


def stored(tmp_path: Path, estimator: Any, **more: Any) -> Path:
    model_files.store(tmp_path / "models" / "m.skops", {"estimator": estimator, **more})
    return tmp_path / "models" / "m.skops"


def fitted(family: ModelFamily, task: TaskKind) -> Any:
    """Return a family's default, fitted; an ensemble's members are small trees."""
    tree = catalog.find("models", "decision_tree")
    members = {"none": 0, "one": 1, "many": 2}[family.members]
    parts = tuple((f"m{n}", tree.build({"max_depth": 2}, n, task=task)) for n in range(members))
    estimator = family.build({}, 0, parts, task=task)
    truth = {"classification": CLASSES, "regression": NUMBERS, "anomaly": None}[task]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small data: some families do not converge
        return estimator.fit(X) if truth is None else estimator.fit(X, truth)


def shelf() -> Iterator[Any]:
    for name in catalog.names("models"):
        for task in catalog.find("models", name).tasks:
            yield pytest.param(name, task, id=f"{name}-{task}")


@pytest.mark.parametrize(("name", "task"), list(shelf()))
def test_every_family_is_loaded_as_it_was_stored_with_no_trust_asked(tmp_path: Path, name: str, task: TaskKind) -> None:
    estimator = fitted(catalog.find("models", name), task)
    loaded = model_files.load(stored(tmp_path, estimator))["estimator"]
    assert type(loaded) is type(estimator)
    for method in ("predict", "predict_proba", "decision_function", "score_samples"):
        if hasattr(estimator, method):
            assert (getattr(loaded, method)(X) == getattr(estimator, method)(X)).all(), method


@pytest.mark.parametrize("encode", ["one_hot", "ordinal", "target", "native"])
def test_preparations_are_loaded_as_they_were_stored(tmp_path: Path, encode: Any) -> None:
    columns = (("n", "numeric"), ("c", "category"), ("t", "text"))
    recipe = Recipe(columns, "median", "standard", encode, 0, "tfidf", (1, 2), None, True, False, "classification")  # type: ignore[arg-type]
    texts = ["good plot", "bad plot", "no plot at all"]
    table = pl.DataFrame({"n": X[:, 0], "c": ["x", "y", None] * 20, "t": texts * 20})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what scikit-learn deprecates is another test's matter
        preparation, _ = learn(recipe, table, (CLASSES > 0).astype(np.int64), 0)
    payload = model_files.load(stored(tmp_path, None, preparation=preparation.state()))
    again = Preparation.restore(payload["preparation"])
    before, after = preparation.matrix(table), again.matrix(table)
    assert abs(after - before).max() == 0
    assert again.recipe == recipe


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "canberra", "hamming", "minkowski"])
def test_distances_of_neighbours_are_known(tmp_path: Path, metric: str) -> None:
    model = KNeighborsClassifier(metric=metric, p=3, algorithm="ball_tree").fit(X, CLASSES)
    assert (model_files.load(stored(tmp_path, model))["estimator"].predict(X) == model.predict(X)).all()


def test_versions_are_kept_and_a_difference_is_told(tmp_path: Path) -> None:
    payload = dict(model_files.load(stored(tmp_path, LogisticRegression())))
    assert model_files.version_differences(payload) == ()
    payload["versions"] = {**payload["versions"], "scikit-learn": "0.1"}
    (told,) = model_files.version_differences(payload)
    assert told.startswith("the model was stored with scikit-learn 0.1, ")


# -- refused ----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_the_manifests_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = stored(tmp_path, LogisticRegression())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert model_files.load(path, sha256=digest)["format"] == 1
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"its sha256 is not that of the manifest"):
        model_files.load(path, sha256=digest)


def test_a_type_that_is_not_on_the_list_is_refused_with_its_name_and_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "my_models.py").write_text(
        "import pathlib\nfrom sklearn.base import BaseEstimator\n"
        "pathlib.Path(__file__).with_suffix('.ran').touch()\n"
        "class Mine(BaseEstimator):\n    def predict(self, X): return X[:, 0]\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        import my_models  # type: ignore[import-not-found]

        path = stored(tmp_path, my_models.Mine())
    finally:
        sys.path.remove(str(tmp_path))
        del sys.modules["my_models"]
    (tmp_path / "my_models.ran").unlink()
    with pytest.raises(DataError, match=r"it holds my_models\.Mine, .* --trust my_models$"):
        model_files.load(path)
    with pytest.raises(DataError, match=r"my_models\.Mine"):
        model_files.load(path, trust=["my_model"])
    assert not (tmp_path / "my_models.ran").exists()
    loaded = model_files.load(path, trust=["my_models"], folder=str(tmp_path))["estimator"]
    sys.path.remove(str(tmp_path))
    assert (loaded.predict(X) == X[:, 0]).all()


def test_partial_functions_and_the_standard_library_are_never_trusted(tmp_path: Path) -> None:
    for name, value in {"functools.partial": functools.partial(print, 1), "os.system": None}.items():
        if value is None:
            assert not model_files.is_trusted(name, ["os", "builtins"])
            continue
        path = stored(tmp_path, value)
        with pytest.raises(DataError, match=r"functools\.partial.*could run anything"):
            model_files.load(path, trust=["functools", "builtins", "print"])
    assert "functools.partial" not in model_files.TRUSTED


def test_our_list_names_classes_that_exist() -> None:
    import importlib

    for name in model_files.TRUSTED:
        module, _, attribute = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), attribute), type), name


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_model_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.skops").write_bytes(content)
    with pytest.raises(DataError, match=r"m\.skops is no whole model file"):
        model_files.load(tmp_path / "m.skops")
    with pytest.raises(StorageError, match=r"none\.skops is missing: the run is not whole"):
        model_files.load(tmp_path / "none.skops")


def test_every_cut_and_many_flips_are_refused_or_harmless(tmp_path: Path) -> None:
    path = stored(tmp_path, DecisionTreeClassifier(max_depth=3).fit(X, CLASSES))
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 60):
        broken = bytearray(whole)
        broken[at] ^= 0x10
        for content in (whole[:at], bytes(broken)):
            path.write_bytes(content)
            try:
                loaded = model_files.load(path)
            except DataError as refusal:
                assert "m.skops" in str(refusal)  # noqa: PT017 - most are refused
            else:
                loaded["estimator"].predict(X)


def test_a_stranger_without_a_format_and_a_newer_format_are_refused(tmp_path: Path) -> None:
    for value, words in (([1], "no model of mlrun"), ({"format": 3}, "reads up to 2: install a newer mlrun")):
        (tmp_path / "m.skops").write_bytes(skops.io.dumps(value))
        with pytest.raises(DataError, match=words):
            model_files.load(tmp_path / "m.skops")


def test_archives_that_unpack_to_too_much_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "m.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b"0" * 150_000_000)
    with pytest.raises(DataError, match=r"unpack from 1\d\d,\d\d\d to 150,000,000 bytes are no model"):
        model_files.load(tmp_path / "m.skops")
    path = stored(tmp_path, LogisticRegression().fit(X, CLASSES))
    monkeypatch.setattr(model_files, "MEMBERS", 2)
    with pytest.raises(DataError, match="are no model"):
        model_files.load(path)


# -- bounds -----------------------------------------------------------------------------------------------------------


def rewritten(path: Path, change: Any) -> None:
    """Write a model file again with `change` applied to each of its arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member.endswith(".npy"):
                array = np.load(io.BytesIO(content))
                change(array)
                file = io.BytesIO()
                np.save(file, array)
                content = file.getvalue()
            new.writestr(member, content)
    path.write_bytes(buffer.getvalue())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_child", 10**6),
        ("left_child", 0),
        ("right_child", -1),
        ("right_child", -2),
        ("feature", 10**6),
        ("feature", -5),
    ],
)
def test_a_patched_tree_is_refused(tmp_path: Path, field: str, value: int) -> None:
    path = stored(tmp_path, RandomForestClassifier(3, random_state=0).fit(X, CLASSES))

    def patch(array: Any) -> None:
        if array.dtype.names and field in array.dtype.names:
            array[field][0] = value

    rewritten(path, patch)
    with pytest.raises(DataError, match="a Tree in it points outside itself"):
        model_files.load(path)


@pytest.mark.parametrize(("field", "value"), [("left", 10**6), ("right", 0), ("feature_idx", 77)])
def test_a_patched_tree_of_histogram_boosting_is_refused(tmp_path: Path, field: str, value: int) -> None:
    path = stored(tmp_path, HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=3).fit(X, NUMBERS))

    def patch(array: Any) -> None:
        if array.dtype.names and field in array.dtype.names:
            array[field][0] = value

    rewritten(path, patch)
    with pytest.raises(DataError, match="points outside itself"):
        model_files.load(path)


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
def test_a_patched_index_of_neighbours_is_refused(tmp_path: Path, algorithm: str) -> None:
    path = stored(tmp_path, KNeighborsClassifier(algorithm=algorithm).fit(X, CLASSES))

    def patch(array: Any) -> None:
        if array.dtype.names and "idx_end" in array.dtype.names:
            array["idx_end"][0] = 10**9

    model_files.load(path)
    rewritten(path, patch)
    with pytest.raises(DataError, match="points outside itself"):
        model_files.load(path)


def test_sound_models_pass_however_deep_they_stand() -> None:
    forest = RandomForestClassifier(5, random_state=0).fit(X, CLASSES)
    check_bounds({"estimator": [{"a": (np.array([forest], dtype=object),)}]}, "m.skops")


def test_a_file_that_takes_its_process_down_is_refused_when_foreign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(tmp_path, LogisticRegression().fit(X, CLASSES))
    assert model_files.load(path, foreign=True)["format"] == 1
    (tmp_path / "sitecustomize.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DataError, match=r"took down the process that tried \(exit -11\)"):
        model_files.load(path, foreign=True)


# -- a run's model ----------------------------------------------------------------------------------------------------


def make_run(root: Path) -> Path:
    with runs.claim(root, "income") as folder:
        model_files.store(
            folder.path / "models" / "tree.skops",
            {"estimator": DecisionTreeClassifier(random_state=0).fit(X, CLASSES), "preparation": None},
        )
        record = RunRecord(
            experiment="income",
            version=folder.version,
            status="complete",
            started="",
            finished="",
            spec_id="s",
            data_id="d",
            best="tree",
            models=(
                ModelRecord("tree", "model", "decision_tree", file="models/tree.skops"),
                ModelRecord("random", "baseline", "random"),
            ),
            verdict=VerdictRecord("good"),
        )
        runs.finish(folder.path, record)
        return folder.path


def test_a_runs_best_model_is_loaded_by_name(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    for run in ("income@latest", str(path), path):
        assert isinstance(runs.load_model(run, root=tmp_path)["estimator"], DecisionTreeClassifier)
    with pytest.raises(UsageError, match="income@1 has no stored model 'trees'; did you mean 'tree'"):
        runs.load_model(path, "trees")


def test_a_runs_model_that_was_exchanged_is_refused(tmp_path: Path) -> None:
    path = make_run(tmp_path)
    model_files.store(path / "models" / "tree.skops", {"estimator": LogisticRegression().fit(X, CLASSES)})
    with pytest.raises(DataError, match="not that of the manifest"):
        runs.load_model(path)
    manifest = json.loads((path / "manifest.json").read_bytes())
    digest = hashlib.sha256((path / "models" / "tree.skops").read_bytes()).hexdigest()
    (path / "manifest.json").write_text(json.dumps({**manifest, "files": {"models/tree.skops": digest}}))
    with pytest.raises(StorageError, match="was changed after the run"):
        runs.load_model(path)
