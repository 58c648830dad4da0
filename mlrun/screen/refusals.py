"""From whatever ended a command to sentences on standard error and an exit code (spec.md section 13)."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun.catalog import suggestion
from mlrun.errors import Interrupted, MlrunError, SpecError, StorageError, UsageError
from mlrun.terminal import is_plain, printable

if TYPE_CHECKING:
    from mlrun.records import Place, Problem

INTERNAL = 70
SIGINT_CODE = 130
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}
KEPT = 80
EXCERPT = 76  # of a long line, as much as stands on a screen of 80 columns


def answer(error: BaseException) -> int:
    """Tell the user what ended the command; return the exit code. The traceback only with MLRUN_DEBUG=1."""
    if os.environ.get("MLRUN_DEBUG") == "1":
        traceback.print_exception(error)
    if isinstance(error, SpecError):
        tell_problems(error)
    elif isinstance(error, Interrupted):
        say("stopped", str(error))
        return 128 + error.signal_number
    elif isinstance(error, MlrunError):
        say("error", str(error))
    elif isinstance(error, KeyboardInterrupt):
        say("stopped", "interrupted")
        return SIGINT_CODE
    elif is_usage(error):
        say("error", told_usage(error))
        return UsageError.exit_code
    elif isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        say("error", f"'{printable(error.filename)[:EXCERPT]}...' is too long for the name of a file")
        return UsageError.exit_code
    elif isinstance(error, OSError) and error.errno in DISK:
        say("error", f"{told_place(error)}{(error.strerror or str(error)).lower()}")
        return StorageError.exit_code
    else:
        tell_internal(error)
        return INTERNAL
    return error.exit_code


def say(word: str, text: str) -> None:
    """Write 'word: text' to standard error, the word in red where colours are shown; control characters escaped."""
    first = word if is_plain(sys.stderr) else f"\x1b[1;31m{word}\x1b[0m"
    lines = [printable(line) for line in text.split("\n")]
    sys.stderr.write(f"{first}: " + "\n".join(lines) + "\n")


def tell_problems(error: SpecError) -> None:
    """Write every problem of a spec: place, what is wrong, the line with a caret under the column, the way out."""
    if len(error.problems) == 1:
        say("error", told_problem(error.problems[0]))
    else:
        say("error", f"{len(error.problems)} problems\n" + "\n".join(map(told_problem, error.problems)))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        sys.stderr.write("".join(annotation(problem) for problem in error.problems if problem.place is not None))


def annotation(problem: Problem) -> str:
    """Return the line by which GitHub shows a problem beside the line of the file that it is in."""
    if problem.place is None:
        return ""
    path = Path(problem.place.file).absolute()
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    file = path.relative_to(root) if path.is_relative_to(root) else path
    where = [f"file={escaped(file, ':,')}"]
    where += [f"{key}={at}" for key, at in (("line", problem.place.line), ("col", problem.place.column)) if at]
    told = " ".join(part for part in (problem.message, problem.cure) if part)
    return f"::error {','.join(where)}::{escaped(told)}\n"


def escaped(value: object, more: str = "") -> str:
    """Return text as GitHub's workflow commands have it: % and line ends, in properties : and , by their codes."""
    return "".join(f"%{ord(each):02X}" if each in "%\r\n" + more else printable(each) for each in str(value))


def told_problem(problem: Problem) -> str:
    """Return one problem in two to four lines."""
    if problem.place is None:
        return " ".join(part for part in (problem.message, problem.cure) if part)
    lines = [f"{printable(problem.place)}: {printable(problem.message)}"]
    if problem.place.text.strip():
        lines += excerpt(problem.place)
    if problem.cure:
        lines.append(f"  {printable(problem.cure)}")
    return "\n".join(lines)


def excerpt(place: Place) -> list[str]:
    """Return the line, as much of it as fits, and a caret under the column when that is known."""
    from rich.cells import cell_len

    text, at = place.text.rstrip("\r\n"), max(place.column - 1, 0)
    if text.startswith("…") and at > KEPT:  # the reader keeps this much of a very long line before the place
        at = KEPT + 1
    start = max(0, at - EXCERPT // 2) if cell_len(text) > EXCERPT else 0
    part = text[start : start + EXCERPT - 8]
    before, after = "... " if start else "", " ..." if start + len(part) < len(text) else ""
    shown = before + printable(part.replace("\t", " ")) + after
    if not place.column or at > len(text):
        return [f"    {shown}"]
    indent = cell_len(before + printable(part[: at - start].replace("\t", " ")))
    return [f"    {shown}", f"    {' ' * indent}^"]


def is_usage(error: BaseException) -> bool:
    """Say whether typer (or click, which older ones stand on) refused the command line."""
    typer = sys.modules.get("typer")
    return typer is not None and isinstance(error, typer.BadParameter.__mro__[1:3])


def told_usage(error: Any) -> str:
    """Return what is wrong with the command line, with the nearest option, and where help is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "mlrun"
    wrong = getattr(error, "option_name", None)
    if wrong and context and type(error).__name__ == "NoSuchOption":
        known = [name for param in context.command.params for name in param.opts if name.startswith("--")]
        told = f"{command} has no option '{wrong}'{suggestion(wrong, [*known, '--help'])}"
    else:
        message = error.format_message().rstrip(".")
        told = message[:1].lower() + message[1:]
    return f"{told} (see '{command} --help')"


def told_place(error: OSError) -> str:
    return f"{error.filename}: " if error.filename else ""


def tell_internal(error: BaseException) -> None:
    """Write one line that asks for a report; the traceback goes to a file."""
    told = f"this is a mistake in mlrun: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="mlrun-", suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write("".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace").decode())
    except OSError:
        say("internal error", f"{told}. Please report it, with what MLRUN_DEBUG=1 prints")
        return
    say("internal error", f"{told}. Please report it, with the file {file.name}")
