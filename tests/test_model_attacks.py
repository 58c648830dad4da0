"""Forged model files: none runs code, none takes the command down; each is refused in a sentence or dies in a child."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import operator
import os
import pickle
import random
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import skops.io
from model_forgery import archive_of, mapping, members_of, mutated, node, sequence, text, with_node, write
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from test_model_files import X, fitted

from mlrun import catalog
from mlrun.errors import DataError
from mlrun.foreign import Describe, ForeignModel, Origin, Room, open_foreign
from mlrun.pipelines import Blueprint, Pipeline
from mlrun.prepare import learn
from mlrun.recipes import Recipe
from mlrun.records import Task, TaskKind
from mlrun.store import model_files
from mlrun.stored import StoredModel, as_payload, from_payload

MUTATIONS = int(os.environ.get("MLRUN_MUTATIONS", "150"))
SOURCES = Path(__file__).parents[1] / "mlrun"
COLUMNS = ("a", "b", "c", "d")
TABLE = pl.DataFrame(X, schema=COLUMNS)
SLOW = 2.0  # seconds that a test lets a file take to be loaded


@pytest.fixture(scope="module")
def room() -> Room:
    """One child for all files; it is begun anew when one of them takes it down."""
    return Room()


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that is there as soon as any of the forged models has run something."""
    return tmp_path / "canary"


def opened(path: Path, room: Room) -> ForeignModel:
    return open_foreign(path, hashlib.sha256(path.read_bytes()).hexdigest(), (), str(path.parent), room)


# -- code -------------------------------------------------------------------------------------------------------------


def touching(canary: Path) -> dict[str, bytes]:
    """Return files that would run `touch canary`, by the way in which they try."""
    shell, command = f"touch {canary}", text(f"touch {canary}")
    function = node("FunctionNode", "os", "system")
    popen = {"func": node("TypeNode", "subprocess", "Popen"), "namespace": text(None), "kwds": mapping()}
    partial = {"func": function, "args": sequence(command), "kwds": mapping(), "namespace": text(None)}
    tree = {"__reduce__": {"args": sequence(command)}, "content": text(None)}
    code = f"import os\nos.system({shell!r})\n"
    (canary.parent / "evil.py").write_text(f"{code}\ndef build(params, seed): ...\nclass Tree: ...\n")
    transformer = skops.io.dumps({"format": 1, "estimator": FunctionTransformer(functools.partial(os.system, shell))})
    poison = pickle.dumps(Poison(shell))
    boxed = io.BytesIO()
    np.save(boxed, np.array([Poison(shell)], dtype=object), allow_pickle=True)
    array = node("NdArrayNode", "numpy", "ndarray", type="numpy", file="x.npy")
    sparse = node("SparseMatrixNode", "scipy.sparse._csr", "csr_matrix", type="scipy", file="x.npz")
    names = {
        "x.npy": boxed.getvalue(),
        "x.npz": archive_of({"format.npy": boxed.getvalue(), "data.npy": boxed.getvalue()}),
    }
    return {
        "partial": with_node(node("PartialNode", "functools", "partial", content=partial)),
        "partial named as trusted": with_node(node("PartialNode", "sklearn.tree._tree", "Tree", content=partial)),
        "partial of a type": with_node(
            node("PartialNode", "functools", "partial", content={**popen, "args": sequence(command)})
        ),
        "partial inside an estimator": transformer,
        "methodcaller": with_node(
            node("OperatorFuncNode", "operator", "methodcaller", attrs=sequence(text("system"), command))
        ),
        "methodcaller, written": skops.io.dumps({"format": 1, "estimator": operator.methodcaller("system", shell)}),
        "constructor": with_node(
            node(
                "ConstructorFromReduceNode", "subprocess", "Popen", content=sequence(sequence(text("sh"), kind="list"))
            )
        ),
        "a list that is a process": with_node(
            node("ListNode", "subprocess", "Popen", content=[text("touch"), command])
        ),
        "an object of another module": with_node(node("ObjectNode", "evil", "Tree", content=mapping())),
        "a module above the trusted": with_node(
            node("ObjectNode", "evil.sklearn.tree._tree", "Tree", content=mapping())
        ),
        "a path as a class": with_node(node("ObjectNode", "sklearn.tree", "_tree.Tree.__init__", content=mapping())),
        "a function": with_node(function),
        "a function of the tests": with_node(node("FunctionNode", "sklearn.utils._testing", "check_skip_network")),
        "a loss that is a process": with_node({**node("LossNode", "subprocess", "Popen"), **tree}),
        "a tree with another constructor": with_node({**node("TreeNode", "evil", "Tree"), **tree}),
        "a method": with_node(
            node("MethodNode", "sklearn.utils._bunch", "Bunch", content={"func": "pop", "obj": mapping()})
        ),
        "an old function": with_node(
            node("FunctionNode", "builtins", "f", content={"module_path": "os", "function": "system"}), protocol=0
        ),
        "a pickle": poison,
        "a pickle in an array": with_node(array, names),
        "a pickle in a sparse matrix": with_node(sparse, names),
        "a pickle in bytes": with_node(node("BytesNode", "builtins", "bytes", file="x.bin"), {"x.bin": poison}),
        "a name that leads out": with_node({**array, "file": "../../etc/passwd"}),
        "a family": payload_bytes("evil:build"),
    }


class Poison:
    """What pickle would run as it reads it."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


def payload_bytes(family: str) -> bytes:
    """Return the whole file of a small tree that says it is of some family."""
    tree = DecisionTreeClassifier(max_depth=2).fit(X, (X[:, 0] > 0.5).astype(int))
    return bytes(skops.io.dumps({**payload_of(tree, family, "classification"), "format": 1, "versions": {}}))


def payload_of(estimator: Any, family: str, task: TaskKind) -> dict[str, Any]:
    labels = {"classification": (0, 1, 2), "regression": (), "anomaly": ("usual", "odd")}[task]
    blueprint = Blueprint("m", family, {}, None, Task(task, labels))
    columns = tuple((name, "numeric") for name in COLUMNS)
    recipe = Recipe(columns, "median", "none", "one_hot", 0, "tfidf", (1, 1), None, True, False, task)  # type: ignore[arg-type]  # a literal
    preparation, _ = learn(recipe, TABLE, np.zeros(len(X), dtype=np.int64), 0)
    threshold = 0.5 if task == "anomaly" else None
    schema = dict.fromkeys(COLUMNS, "float")
    return as_payload(StoredModel(blueprint, estimator, preparation, COLUMNS, schema, threshold))


def test_no_forged_file_runs_anything(
    tmp_path: Path, canary: Path, room: Room, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes = {}
    for way, content in touching(canary).items():
        path = write(tmp_path, content)
        outcomes[way] = refused(opened, path, room)
        for said in (outcomes[way], refused(load_here, path)):
            assert said.startswith(str(path)), way
            assert "\n" not in said, way
        assert not canary.exists(), way
        assert "evil" not in sys.modules, way
    assert "could run anything" in outcomes["partial"]
    assert "functools.partial" in outcomes["partial inside an estimator"]
    assert "os.system" in outcomes["a function"]
    assert "--trust evil" in outcomes["a family"]
    assert capfd.readouterr().err == "", "a child prints no traceback"


def refused(call: Callable[..., object], *given: object) -> str:
    with pytest.raises(DataError) as refusal:
        call(*given)
    return str(refusal.value)


def load_here(path: Path) -> None:
    """Load a file in this process; a pickle among its bytes stays bytes, so nothing is wrong with that one."""
    model_files.keep_to_folder(path, model_files.load(path), (), str(path.parent))
    raise DataError(f"{path}: nothing in it was run")


def test_a_pipeline_takes_its_own_code_from_our_folder_only(tmp_path: Path, canary: Path, room: Room) -> None:
    """A member of an ensemble says of which family it is and where that stands: both are the forger's words."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "evil.py").write_text(f"import pathlib\npathlib.Path({str(canary)!r}).touch()\n")
    member = Pipeline(None, DecisionTreeClassifier(), family="evil:build", folder=str(tmp_path / "theirs"))
    whole = {**payload_of(member, "decision_tree", "classification"), "format": 1, "versions": {}}
    with pytest.raises(DataError, match=r"--trust evil$"):
        opened(write(tmp_path, skops.io.dumps(whole)), room)
    payload = model_files.read(tmp_path / "m.skops", skops.io.dumps(whole), list(model_files.TRUSTED))
    model_files.keep_to_folder(tmp_path / "m.skops", payload, ["evil"], str(tmp_path / "ours"))
    assert payload["estimator"].folder == str(tmp_path / "ours")
    assert not canary.exists()


def test_no_stored_model_goes_through_pickle_or_joblib() -> None:
    """Workers hand each other what they have just made; files are another matter."""
    calls = r"\b(c?pickle|cloudpickle|joblib|dill|shelve|marshal)\.(load|loads|Unpickler|open)\b"
    reading = re.compile(rf"{calls}|allow_pickle=True")
    found = {path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.py") if reading.search(path.read_text())}
    assert found <= {"process/isolation.py", "process/worker.py", "executors/dask.py"}
    assert all("pickle" not in name and "partial" not in name for name in model_files.TRUSTED)


# -- size -------------------------------------------------------------------------------------------------------------


def test_a_schema_that_is_nested_too_deep_is_a_sentence(tmp_path: Path, room: Room) -> None:
    deep = b'{"a":' * 200_000
    deeper: dict[str, Any] = text(0)
    for _ in range(150):
        deeper = sequence(deeper)
    for content in (archive_of({"schema.json": deep}), with_node({**text(0), "content": "[" * 100_000})):
        with pytest.raises(DataError, match=r"m\.skops"):
            model_files.load(write(tmp_path, content))
    assert model_files.load(write(tmp_path, with_node(deeper)))["format"] == 1


def test_parts_that_are_referred_to_over_and_over_end_in_time(tmp_path: Path, room: Room) -> None:
    """2 ** 60 visits by way of 60 lists of two: a child is given up after a while."""
    shared: dict[str, Any] = {**sequence(text(0)), "__id__": 1}
    for number in range(2, 60):
        again = {"__id__": number - 1, **node("ListNode", "builtins", "list")}
        shared = {**sequence(shared, again, kind="list"), "__id__": number}
    path = write(tmp_path, with_node(shared))
    origin = Origin(str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(DataError, match="loading it took more than"):
        room.run(Describe(origin, timeout=SLOW), str(path))


@pytest.mark.parametrize("shape", [(10**14,), (2**40, 2**40), (10**9, 10**3)])
def test_an_array_that_claims_to_be_huge_is_a_sentence(tmp_path: Path, room: Room, shape: tuple[int, ...]) -> None:
    header = repr({"descr": "<f8", "fortran_order": False, "shape": shape}).encode() + b"\n"
    file = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)
    array = node("NdArrayNode", "numpy", "ndarray", type="numpy", file="x.npy")
    with pytest.raises(DataError, match=r"m\.skops"):
        opened(write(tmp_path, with_node(array, {"x.npy": file})), room)


def test_too_many_parts_are_refused_before_they_are_read(tmp_path: Path, room: Room) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(3):
            archive.writestr("schema.json" if number == 0 else f"{number}.npy", b"{}")
    content = bytearray(buffer.getvalue())
    end = content.rindex(b"PK\x05\x06")
    content[end + 8 : end + 12] = (0xFFFF).to_bytes(2, "little") * 2  # what the end of the archive says of its parts
    with pytest.raises(DataError, match=r"m\.skops"):
        opened(write(tmp_path, bytes(content)), room)


# -- arrays -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return a file of every family on the shelf for each of its tasks."""
    folder, files = tmp_path_factory.mktemp("stored"), []
    for name in catalog.names("models"):
        for task in catalog.find("models", name).tasks:
            path = folder / f"{name}-{task}.skops"
            model_files.store(path, payload_of(fitted(catalog.find("models", name), task), name, task))
            files.append(path)
    return files


def test_every_family_says_the_same_in_a_child(stored: list[Path], room: Room) -> None:
    for path in stored:
        here, there = from_payload(model_files.load(path)).predict(TABLE), opened(path, room).predict(TABLE)
        assert (here.values == there.values).all(), path.stem
        assert (here.probabilities is None) == (there.probabilities is None)


def fuzz(stored: list[Path], room: Room, place: Path, count: int, draw: random.Random) -> Counter[str]:
    """Ask so many mutated files about rows; whatever they do, this process gets an answer or one sentence."""
    found: Counter[str] = Counter()
    for number in range(count):
        source = stored[number % len(stored)]
        path = write(place, mutated(source.read_bytes(), draw))
        try:
            said = opened(path, room).predict(TABLE)
        except DataError as refusal:
            sentence = str(refusal)
            assert sentence.startswith(str(path))
            assert "\n" not in sentence
            found["died" if "took down" in sentence else "refused"] += 1
        else:
            assert len(said.values) == TABLE.height
            found["answered"] += 1
    return found


def test_files_with_changed_arrays_are_refused_answer_or_die_alone(
    stored: list[Path], room: Room, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = fuzz(stored, room, tmp_path, MUTATIONS, random.Random(3))
    assert found["refused"] > MUTATIONS / 10
    assert found["answered"] > MUTATIONS / 10
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.long
def test_thousands_of_files_with_changed_arrays(stored: list[Path], room: Room, tmp_path: Path) -> None:
    """MLRUN_MUTATIONS of them (10,000 if it does not say); MLRUN_SEED for others."""
    count = int(os.environ.get("MLRUN_MUTATIONS", "10000"))
    found = fuzz(stored, room, tmp_path, count, random.Random(os.environ.get("MLRUN_SEED", "5")))
    assert found.total() == count


TREES = ("decision_tree", "random_forest", "gradient_boosting", "isolation_forest", "adaboost", "bagging")


@pytest.mark.parametrize("family", TREES)
def test_a_tree_that_reads_more_columns_than_its_owner_checks_is_refused(
    stored: list[Path], tmp_path: Path, family: str
) -> None:
    """The number of columns stands in the tree and in each estimator; a forger changes one of them."""
    source = next(path for path in stored if path.stem.startswith(family))
    members = members_of(source.read_bytes())
    schema = json.loads(members["schema.json"])
    trees = [part for part in parts_of(schema) if part.get("__loader__") == "TreeNode"]
    assert trees
    for part in trees:
        part["__reduce__"]["args"]["content"][0] = text(1_000_000)
    forged = archive_of({**members, "schema.json": json.dumps(schema).encode()})
    with pytest.raises(DataError, match="points outside itself"):
        model_files.load(write(tmp_path, forged))


def test_what_takes_its_process_down_while_it_is_built_dies_alone(
    stored: list[Path], room: Room, tmp_path: Path
) -> None:
    """Tree's constructor reads a count of classes for each output, also where there are none, before any check."""
    source = next(path for path in stored if path.stem == "decision_tree-classification")
    members = members_of(source.read_bytes())
    schema = json.loads(members["schema.json"])
    (tree,) = [part for part in parts_of(schema) if part.get("__loader__") == "TreeNode"]
    tree["__reduce__"]["args"]["content"][2] = text(2**26)
    forged = archive_of({**members, "schema.json": json.dumps(schema).encode()})
    for _ in range(2):
        with pytest.raises(DataError, match=r"took down the process|cannot be loaded"):
            opened(write(tmp_path, forged), room)
        assert len(opened(source, room).predict(TABLE).values) == TABLE.height


@pytest.mark.parametrize(
    ("family", "task", "attribute", "value"),
    [
        ("rbf_svm", "classification", "_n_support", np.array([10**6, 1, 1], dtype=np.int32)),
        ("rbf_svm", "classification", "_intercept_", np.zeros(1)),
        ("rbf_svm", "classification", "_dual_coef_", np.zeros((1, 1))),
        ("one_class_svm", "anomaly", "_dual_coef_", np.zeros((1, 1))),
        ("rbf_svm", "regression", "support_vectors_", np.zeros((3, 1))),
        ("rbf_svm", "classification", "_impl", "nu_svr"),
    ],
)
def test_a_support_vector_machine_without_its_other_half_is_refused(
    tmp_path: Path, family: str, task: TaskKind, attribute: str, value: Any
) -> None:
    machine = fitted(catalog.find("models", family), task)
    inner = machine if hasattr(machine, "_n_support") else next(iter(vars(machine).values()))
    model_files.store(tmp_path / "m.skops", {"estimator": machine})
    assert model_files.load(tmp_path / "m.skops")["format"] == 1
    setattr(inner, attribute, value)
    model_files.store(tmp_path / "m.skops", {"estimator": machine})
    with pytest.raises(DataError, match="points outside itself"):
        model_files.load(tmp_path / "m.skops")


def test_a_sparse_matrix_that_names_columns_which_are_not_there_is_refused(tmp_path: Path) -> None:
    import scipy.sparse

    matrix = scipy.sparse.csr_matrix(np.eye(3))
    model_files.store(tmp_path / "m.skops", {"estimator": matrix})
    assert model_files.load(tmp_path / "m.skops")["format"] == 1
    matrix.indices[1] = 10**6
    model_files.store(tmp_path / "m.skops", {"estimator": matrix})
    with pytest.raises(DataError, match="csr_matrix in it points outside itself"):
        model_files.load(tmp_path / "m.skops")


def test_an_empty_shell_is_a_sentence(tmp_path: Path) -> None:
    """Objects that were made, but never filled: their arrays are not there to be looked at."""
    for module, name in (("sklearn.neighbors._kd_tree", "KDTree"), ("sklearn.neighbors._ball_tree", "BallTree")):
        with pytest.raises(DataError, match=r"damaged or forged|cannot be loaded|no whole model"):
            model_files.load(write(tmp_path, with_node(node("ObjectNode", module, name))))


def parts_of(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON document."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts_of(inner)
