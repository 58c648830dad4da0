"""The code that a run ran with: the commit and what was changed since, or without git the user's sources."""

from __future__ import annotations

import fnmatch
import os
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from mlrun.origin.user_code import UserModule, user_code_digest

PATCH_BYTES = 5_000_000
SOURCE_BYTES = 200_000  # of one untracked file
SOURCES_BYTES = 2_000_000  # of all of them
SOURCE_SUFFIXES = (".py", ".pyi", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".sql", ".sh", ".r")  # notebooks hold rows
SECRET_NAMES = (
    ".env*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "id_rsa*", "id_dsa*", "id_ecdsa*",
    "id_ed25519*", ".netrc", ".pgpass", ".pypirc", ".npmrc", "*secret*", "*credential*", "*password*", "*passwd*",
    "*token*", "*apikey*", "*api_key*",
)  # fmt: skip
GIT_SECONDS = 30
# programs that a repository's configuration names are never run: no monitor, no external diff, no text conversion
GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "diff.external=")
DIFF = ("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # what git compares with before the first commit


@dataclass(frozen=True, slots=True)
class CodeState:
    """summary: for code.json. patch: what git says was changed since the commit, for code.patch; b"" = nothing.

    files: sources that git does not know, without git the modules that the spec brought along; name → bytes.
    """

    summary: Mapping[str, Any]
    patch: bytes = b""
    files: Mapping[str, bytes] | None = None


def code_state(folder: str, modules: Sequence[UserModule] = (), data: Sequence[str] = ()) -> CodeState:
    """Return the state of the code in a spec's folder; never raises, what cannot be told is a note.

    Files with names of keys and passwords are left out, from the patch too, and so are the files of data (absolute
    paths): their rows have no place in a history of code.
    """
    top = git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        return without_git(modules)
    root = top.decode(errors="surrogateescape").strip()
    commit, branch = git(folder, "rev-parse", "--verify", "HEAD"), git(folder, "symbolic-ref", "--short", "HEAD")
    rows = frozenset(inside(root, data))
    patch, sha, notes = changes(root, "HEAD" if commit else EMPTY_TREE, rows)
    files, left_out = untracked_sources(root, rows)
    outside = {module.name: module for module in modules if not module.path.is_relative_to(root)}
    summary = {
        "git": {
            "commit": commit.decode().strip() if commit else None,
            "branch": branch.decode(errors="replace").strip() if branch else None,
            "dirty": bool(git(root, "status", "--porcelain", "--untracked-files=no")) or bool(files),
            "patch_sha256": sha,
        },
        "modules": described(modules),
        "user_code": user_code_digest(modules),
        "files": {name: sha256(content).hexdigest() for name, content in files.items()},
        "notes": [*notes, *left_out],
    }
    return CodeState(summary, patch, {**files, **sources(tuple(outside.values()))})


def inside(root: str, paths: Sequence[str]) -> Iterator[str]:
    """Yield files as git names them: relative to its root, which has no links in it."""
    for path in paths:
        for place in (Path(path), Path(path).resolve()):
            if place.is_relative_to(root):
                yield place.relative_to(root).as_posix()


def without_git(modules: Sequence[UserModule]) -> CodeState:
    """Return the modules themselves, as nothing else can bring them back."""
    summary = {
        "git": None,
        "modules": described(modules),
        "user_code": user_code_digest(modules),
        "files": {name: sha256(content).hexdigest() for name, content in sources(modules).items()},
        "notes": ["no git repository: the user's modules are kept as files"] if modules else [],
    }
    return CodeState(summary, b"", sources(modules))


def described(modules: Sequence[UserModule]) -> dict[str, str]:
    """Return module → sha256 of its source."""
    return {module.name: sha256(module.source).hexdigest() for module in modules}


def sources(modules: Sequence[UserModule]) -> dict[str, bytes]:
    """Return the modules as files that can be imported again: package/module.py → bytes."""
    files = {}
    for module in modules:
        tail = "/__init__.py" if module.path.name == "__init__.py" else ".py"
        files[module.name.replace(".", "/") + tail] = module.source
    return files


def git(folder: str, *arguments: str) -> bytes | None:
    """Return what git prints, or None when it fails, is not installed, or takes too long."""
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            [*GIT, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def changes(root: str, base: str, rows: Collection[str] = ()) -> tuple[bytes, str | None, list[str]]:
    """Return the patch of all tracked changes since the commit, its sha256, and why it is left out where it is.

    rows: files of data, which never enter it.
    """
    kept_out = [f":(exclude,top,icase,glob)**/{pattern}" for pattern in SECRET_NAMES]
    kept_out += [f":(exclude,top,literal){name}" for name in sorted(rows)]
    patch = git(root, *DIFF, base, "--", ":/", *kept_out)
    if patch is None:
        return b"", None, ["git diff failed: there is no patch"]
    if not patch:
        return b"", None, []
    sha = sha256(patch).hexdigest()
    if len(patch) > PATCH_BYTES:
        return b"", sha, [f"the patch is left out: {len(patch):,} bytes, more than {PATCH_BYTES:,}"]
    return patch, sha, []


def untracked_sources(root: str, rows: Collection[str] = ()) -> tuple[dict[str, bytes], list[str]]:
    """Return the small source files that git neither knows nor ignores, and notes on what was left out."""
    listed = git(root, "ls-files", "--others", "--exclude-standard", "-z") or b""
    files: dict[str, bytes] = {}
    notes: list[str] = []
    for name in sorted(os.fsdecode(raw) for raw in listed.split(b"\0") if raw):
        path = Path(root) / name
        if path.suffix.lower() not in SOURCE_SUFFIXES or path.is_symlink() or not path.is_file() or name in rows:
            continue
        if any(fnmatch.fnmatch(part.lower(), pattern) for part in Path(name).parts for pattern in SECRET_NAMES):
            notes.append("an untracked file is left out: its name is that of a key or password")
        elif path.stat().st_size > SOURCE_BYTES or sum(map(len, files.values())) > SOURCES_BYTES:
            notes.append(f"an untracked file is left out: more than {SOURCE_BYTES:,} bytes, or too many of them")
        else:
            files[name] = path.read_bytes()
    return files, notes
