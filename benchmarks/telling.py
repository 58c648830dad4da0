"""From figures to a section of docs/benchmarks.md: a table, the machine, the day, the command that measured them."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def options(about: str | None, rounds: int = 5) -> argparse.ArgumentParser:
    """Return a parser of what every benchmark against a peer takes."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"how often all take turns ({rounds})")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to see that it works; the figures say little"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the section into this file, such as docs/benchmarks.md"
    )
    return parser


class Section:
    """A section of results: parts are added or replaced as they come, and the file is written each time."""

    def __init__(self, title: str, about: str, asked: argparse.Namespace) -> None:
        self.title, self.about, self.file = title, about, asked.write
        if asked.quick and self.file:
            raise SystemExit("figures of --quick are not for a file; leave --write out")
        self.parts: dict[str, str] = {}

    def put(self, name: str, text: str) -> None:
        """Add a part, or replace the part of that name, and write the section if there is a file."""
        self.parts[name] = text
        if self.file:
            write_section(self.file, self.title, self.text())

    def text(self) -> str:
        """Return the section without its heading."""
        command = " ".join(["python", *_arguments()])
        made = f"{datetime.now(UTC):%Y-%m-%d}, `{command}`, {machine()}."
        return "\n\n".join([self.about, *self.parts.values(), made])

    def show(self) -> None:
        """Print the section."""
        print(f"## {self.title}\n\n{self.text()}")


def _arguments() -> list[str]:
    """Return the command line less what says where to write: no path of this machine gets into a file."""
    kept, given = [f"benchmarks/{Path(sys.argv[0]).name}"], iter(sys.argv[1:])
    for argument in given:
        if argument in ("--write", "--data"):
            next(given, None)
        elif not argument.startswith(("--write=", "--data=")):
            kept.append(argument)
    return kept


def write_section(file: Path, title: str, text: str) -> None:
    """Replace the section of that title in a Markdown file, or add it at the end; the rest is left as it is."""
    old = file.read_text("utf-8") if file.exists() else "# Benchmarks\n"
    section = f"## {title}\n\n{text.strip()}\n"
    found = re.search(rf"^## {re.escape(title)}$.*?(?=^## |\Z)", old, re.DOTALL | re.MULTILINE)
    if found is None:
        new = f"{old.rstrip()}\n\n{section}"
    else:
        new = f"{old[: found.start()]}{section}\n{old[found.end() :]}".rstrip() + "\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(new, "utf-8")


def machine() -> str:
    """Return the processor, cores, memory and versions in words; no name of a host and no path."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("scikit-learn", "xgboost", "numpy"))
    return (
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, {libraries}"
    )


def _processor() -> str:
    try:
        said = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", said, re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table: the first column is words, the rest figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratio(found: tuple[float, float, float]) -> str:
    """Return a ratio with its range over the rounds: 1.02 (0.99–1.05)."""
    middle, least, most = found
    return f"{middle:.2f} ({least:.2f}–{most:.2f})"
