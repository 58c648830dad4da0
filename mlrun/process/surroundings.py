"""From the system and its environment to a refusal, where mlrun cannot work there."""

from __future__ import annotations

import os
import sys

from mlrun.errors import UsageError


def check_surroundings() -> None:
    """Refuse Windows, and an environment where another distribution has the package's name."""
    if os.name == "nt":
        raise UsageError("mlrun runs on Linux and macOS; on Windows use it inside WSL (https://aka.ms/wsl)")
    for folder in filter(os.path.isdir, sys.path):
        if any(name.startswith("mlrun-") and name.endswith(".dist-info") for name in os.listdir(folder)):  # noqa: PTH208 - quick
            raise UsageError(
                f"another distribution named 'mlrun' is installed in {folder}, and both write to the package 'mlrun'. "
                "Install mlrun-cli in an environment of its own"
            )
