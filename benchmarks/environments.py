"""A peer's own environment: made once with venv and pip, its bytecode compiled, and kept for the next time.

Run `python benchmarks/environments.py [NAME ...]` to make some or all of them ahead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

CACHE = Path(os.environ.get("MLRUN_BENCHMARKS", "~/.cache/mlrun-benchmarks")).expanduser()
PEERS = {
    "dvc": ["dvc>=3.60,<4"],
    "flaml": ["flaml[automl]>=2.3,<3", "scikit-learn>=1.7"],
    "hydra": ["hydra-core>=1.3,<2"],
    "mlflow": ["mlflow>=3,<4"],
    "optuna": ["optuna>=4,<6"],  # the fits are scikit-learn's: see `requirements`
    "skll": ["skll>=5,<6", "pandas<3"],  # it refuses the string columns of pandas 3
}
SAME_FITS = {"optuna": ("numpy", "scipy", "scikit-learn", "joblib")}


@cache
def interpreter(name: str) -> str:
    """Return the python of a peer's environment, which is made when it is not there or was not finished.

    The environment of these requirements and of this python is used again, whoever asks for it.
    """
    wanted = requirements(name)
    mark = sha256(repr((wanted, sys.version_info[:3])).encode()).hexdigest()[:8]
    folder = CACHE / f"{name}-{mark}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing {', '.join(wanted)}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-qq", *wanted], check=True)
        compile_bytecode(str(python), [str(folder / "lib")])
        (folder / "complete").touch()
    return str(python)


def requirements(name: str) -> list[str]:
    """Return what pip is asked for; a peer that leaves the fits to a library gets the releases that mlrun runs on."""
    return [*PEERS[name], *(f"{package}=={version(package)}" for package in SAME_FITS.get(name, ()))]


@cache
def mlrun() -> str:
    """Return the command `mlrun` of the environment that runs this, with its bytecode compiled as the peers' is."""
    import mlrun as package

    compile_bytecode(sys.executable, [sysconfig.get_path("purelib"), str(Path(str(package.__file__)).parent)])
    return str(Path(sys.executable).with_name("mlrun"))


def compile_bytecode(python: str, folders: list[str]) -> None:
    """Compile; some packages carry files that are no Python of this version, which is no failure here."""
    subprocess.run([python, "-m", "compileall", "-qq", "-j", "0", *folders], env=environment(), check=False)


def environment() -> dict[str, str]:
    """Return the variables of every measured process: bytecode is used, one thread a process, nobody is called."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLRUN_", "MLFLOW_"))}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    silence = {"DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}
    return {**kept, **threads, **silence, "PYTHONHASHSEED": "0"}


def release(name: str, package: str) -> str:
    """Return the installed version of a package in a peer's environment."""
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.check_output([interpreter(name), "-c", asked], text=True).strip()


if __name__ == "__main__":
    for peer in sys.argv[1:] or PEERS:
        print(peer, interpreter(peer))
