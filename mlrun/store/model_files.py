"""A model in a file and back: written by skops, read only when every type in it is on our own list."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256 as sha256_hash
from pathlib import Path
from typing import Any

from mlrun.errors import DataError, MlrunError, NotTrusted
from mlrun.provenance import packages
from mlrun.store.model_bounds import check_bounds, parts_of
from mlrun.store.writing import reading, storing, write_atomically

FORMAT = 2  # 1: a model that nothing wraps, which any earlier mlrun reads too
MEMBERS = 1_000_000
UNPACKED_BYTES = 8 * 2**30
RATIO, RATIO_FROM = 200, 100 * 2**20  # deflate can reach 1,032; fitted models stay far below
CHILD_SECONDS = 300
LONGEST_REASON = 200  # characters of what a library says
VERSIONS_THAT_MATTER = ("scikit-learn", "xgboost", "numpy", "scipy")

# Beyond what skops itself trusts (scikit-learn's public estimators, numpy's arrays and scalars). Never widened by a
# file. functools.partial never: it calls what the file names.
TRUSTED = (
    "mlrun.estimator.coded_hist_boosting.CodedHistBoostingClassifier",
    "mlrun.estimator.coded_hist_boosting.CodedHistBoostingRegressor",
    "mlrun.estimator.coded_xgboost.CodedXGBClassifier",
    "mlrun.estimator.coded_xgboost.CodedXGBRegressor",
    "mlrun.estimator.distances.Autoencoder",
    "mlrun.estimator.distances.KMeansDistance",
    "mlrun.estimator.distances.KnnDistance",
    "mlrun.pipelines.Pipeline",
    "mlrun.recipes.Recipe",
    "mlrun.estimator.stopped_xgboost.StoppedXGBClassifier",
    "mlrun.estimator.stopped_xgboost.StoppedXGBRegressor",
    "mlrun.estimator.votes.VoteClassifier",
    "mlrun.estimator.votes.VoteRegressor",
    "numpy.dtype",
    "scipy.sparse._csr.csr_array",
    "scipy.sparse._csr.csr_matrix",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.CanberraDistance64",
    "sklearn.metrics._dist_metrics.ChebyshevDistance64",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.HammingDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.metrics._dist_metrics.MinkowskiDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
)


def store(path: Path, payload: Mapping[str, Any]) -> None:
    """Write a model: a plain mapping with estimator, preparation, task and schema; versions are added.

    Raises StorageError when the disk refuses, and what skops raises when a user's class cannot be written.
    """
    import skops.io

    known = packages()
    versions = {name: known[name] for name in VERSIONS_THAT_MATTER}
    whole = {**payload, "format": FORMAT if "wrapping" in payload else 1, "versions": versions}
    content = skops.io.dumps(whole, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    with storing(path):
        path.parent.mkdir(exist_ok=True)
    write_atomically(path, content)


def load(
    path: Path, sha256: str | None = None, *, foreign: bool = False, trust: Sequence[str] = (), folder: str = ""
) -> Mapping[str, Any]:
    """Return the mapping that was stored, once its sha256, size and types are found good.

    sha256: of the manifest; None = not known. foreign: of a run that is not one's own; a child process loads it
    first, as a forged model can take its process down. trust: modules of the user's whose types may be loaded;
    folder: where those are looked for first. Raises DataError with the type and the way out, StorageError.
    """
    with reading(path):
        content = path.read_bytes()
    if sha256 is not None and sha256_hash(content).hexdigest() != sha256:
        raise DataError(
            f"{path} is not the file that the run wrote: its sha256 is not that of the manifest. Restore it, or run "
            "the spec again"
        )
    if foreign:
        load_in_child(path, trust, folder)
    trusted = check(path, content, trust)
    if trust and folder and folder not in sys.path:
        sys.path.insert(0, folder)
    payload = read(path, content, trusted)
    with damage_told(path, "is damaged or forged"):  # parts may lack what such parts have
        check_bounds(payload, str(path))
    if foreign:
        keep_to_folder(path, payload, trust, folder)
    return payload


def keep_to_folder(path: Path, payload: Mapping[str, Any], trust: Sequence[str], folder: str) -> None:
    """Let a model from elsewhere name no code of its own: only families of modules in `trust`, from our folder.

    Raises DataError for a family that nobody vouches for.
    """
    named = [payload["family"]] if "family" in payload else []
    for part in parts_of(payload):
        if type(part).__name__ == "Pipeline" and hasattr(part, "family"):
            named.append(part.family)
            part.folder = folder
    own = {str(name).replace(":", ".") for name in named if ":" in str(name)}
    strange = sorted(name for name in own if not is_trusted(name, trust))
    if strange:
        raise refusal(path, strange)


def check(path: Path, content: bytes, trust: Sequence[str] = ()) -> list[str]:
    """Return the types to trust in this file, before anything in it is built; raise DataError for one that is not."""
    import skops.io

    with damage_told(path, "is no whole model file"):
        check_size(path, content)
        unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED))
    refused = [name for name in unknown if not is_trusted(name, trust)]
    if refused:
        raise refusal(path, refused)
    return [*TRUSTED, *unknown]


def check_size(path: Path, content: bytes) -> None:
    """Raise DataError for an archive that would unpack to more than a model can be."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    too_dense = unpacked > RATIO_FROM and unpacked > RATIO * len(content)
    if len(members) > MEMBERS or unpacked > UNPACKED_BYTES or too_dense:
        raise DataError(
            f"{path} is refused: {len(members):,} parts that unpack from {len(content):,} to {unpacked:,} bytes "
            "are no model"
        )


def is_trusted(name: str, trust: Sequence[str]) -> bool:
    """Say whether a type is of a module that the user trusts; the standard library cannot be trusted so."""
    if name.partition(".")[0] in sys.stdlib_module_names:
        return False
    return any(name.startswith(f"{module}.") for module in trust if module)


def refusal(path: Path, refused: Sequence[str]) -> DataError:
    """Return the error that says which types are in the way, and what helps."""
    shown = ", ".join(refused[:5]) + (f" and {len(refused) - 5} more" if len(refused) > 5 else "")
    own = sorted({name.rpartition(".")[0] for name in refused})
    if any(name.partition(".")[0] in sys.stdlib_module_names for name in refused):
        return DataError(f"{path} is not loaded: it holds {shown}, which could run anything")
    options = " ".join(f"--trust {module}" for module in own)
    told = f"it holds {shown}, which mlrun does not know. If you know who made it: {options}"
    return NotTrusted(f"{path} is not loaded: {told}")


def read(path: Path, content: bytes, trusted: list[str]) -> dict[str, Any]:
    """Build what a checked file holds."""
    import skops.io

    with damage_told(path, "cannot be loaded"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other versions are told by version_differences, in a sentence
        payload = skops.io.loads(content, trusted=trusted)
    found = payload["format"] if isinstance(payload, dict) and "format" in payload else None
    if isinstance(found, int) and found > FORMAT:
        raise DataError(f"{path} has format {found}; this mlrun reads up to {FORMAT}: install a newer mlrun")
    if not isinstance(payload, dict) or not isinstance(found, int) or found < 1:
        raise DataError(f"{path} is no model of mlrun: it has no format")
    return payload


@contextmanager
def damage_told(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a damaged or forged file makes the libraries raise into one sentence; there is no telling which."""
    try:
        yield
    except MlrunError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:LONGEST_REASON]
        raise DataError(f"{path} {what} ({type(error).__name__}{f': {said}' if said else ''})") from error


def load_in_child(path: Path, trust: Sequence[str], folder: str) -> None:
    """Load a file in another process; raise DataError when that does not survive it."""
    code = (
        "import sys, pathlib; from mlrun import errors; from mlrun.store import model_files\n"
        "try: model_files.load(pathlib.Path(sys.argv[1]), trust=sys.argv[3:], folder=sys.argv[2])\n"
        "except errors.MlrunError as error: sys.exit(str(error))"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(path), folder, *trust],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CHILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(f"{path} is not loaded: loading it took more than {CHILD_SECONDS} s") from error
    if done.returncode == 1 and done.stderr.strip():
        raise DataError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    if done.returncode != 0:
        raise DataError(f"{path} is not loaded: it took down the process that tried (exit {done.returncode})")


def version_differences(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a sentence for each library whose version is not the one that the model was stored with."""
    stored, now = payload["versions"], packages()
    return tuple(
        f"the model was stored with {name} {stored[name]}, {now[name] or 'none'} is installed: scores may differ"
        for name in sorted(stored)
        if name in now and stored[name] != now[name]
    )
