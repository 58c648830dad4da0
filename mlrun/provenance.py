"""What a run was made of, as plain values that a run folder can keep: packages, machine, data, code, digests."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import file_digest
from importlib import metadata
from pathlib import Path
from typing import Any

from mlrun.errors import DataError
from mlrun.origin.code_state import CodeState, code_state
from mlrun.origin.digests import DataDigests, data_digests, split_digest
from mlrun.origin.identity import RESULT_VERSION, fit_seed, spec_id, trial_identity
from mlrun.origin.user_code import UserModule, user_code_digest, user_modules, user_packages

__all__ = [  # what the steps above use; the parts live in code_state, digests, identity and user_code
    "RESULT_VERSION",
    "CodeState",
    "DataDigests",
    "FileFingerprint",
    "UserModule",
    "code_state",
    "data_digests",
    "file_fingerprint",
    "fit_seed",
    "machine",
    "packages",
    "spec_id",
    "split_digest",
    "trial_identity",
    "user_code_digest",
    "user_modules",
    "user_packages",
]

PACKAGES = ("scikit-learn", "xgboost", "numpy", "scipy", "polars", "joblib", "skops")


@dataclass(frozen=True, slots=True)
class FileFingerprint:
    """A file of data: where, how large, when written (nanoseconds since 1970), what is in it."""

    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str
    inode: int = 0


def file_fingerprint(path: str | Path, known: FileFingerprint | None = None) -> FileFingerprint:
    """Return what tells a file from another; raise DataError when it cannot be read.

    known: of an earlier look; its sha256 is taken where path, size, mtime and inode are the same.
    """
    place = Path(path).absolute()
    try:
        with place.open("rb") as file:
            state = os.fstat(file.fileno())
            found = FileFingerprint(str(place), state.st_size, state.st_mtime_ns, "", state.st_ino)
            if known is not None and replace(known, sha256="") == found:
                return known
            return replace(found, sha256=file_digest(file, "sha256").hexdigest())
    except OSError as error:
        raise DataError(f"{place} cannot be read: {error.strerror or error}") from error


def packages() -> Mapping[str, str]:
    """Return name → version of python, mlrun and the libraries that compute, without importing them."""
    found = {"python": platform.python_version(), "mlrun": version_of("mlrun-cli")}
    return {**found, **{name: version_of(name) for name in PACKAGES}}


def version_of(distribution: str) -> str:
    """Return the installed version; '' when it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def machine() -> Mapping[str, Any]:
    """Return platform, architecture, processor, cores, memory and, once numpy is loaded, its threads: JSON-able."""
    return {
        "platform": platform.platform(),
        "architecture": platform.machine(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "cores_allowed": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "threads": thread_pools(),
    }


def processor() -> str:
    """Return the processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def thread_pools() -> list[dict[str, Any]]:
    """Return the BLAS and OpenMP libraries in this process; [] before numpy is imported."""
    if "numpy" not in sys.modules:
        return []
    from threadpoolctl import threadpool_info

    wanted = ("user_api", "internal_api", "version", "num_threads", "threading_layer", "architecture")
    return [{key: pool[key] for key in wanted if key in pool} for pool in threadpool_info()]
