"""What a terminal, a pipe or a CI log can show: text without control characters, colours only where they belong."""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # control, format (bidi too), surrogates, unassigned, separators
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(value: object) -> str:
    """Return the text with control, format and bidi characters as escapes, on one line."""
    text = str(value)
    return text if text.isprintable() else "".join(map(escape_character, text))


def escape_character(character: str) -> str:
    """Return the character, or its escape when a terminal would act on it or show nothing."""
    if character.isprintable() or unicodedata.category(character) not in INVISIBLE:
        return character
    if character in SHORT:
        return SHORT[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def is_plain(stream: IO[str]) -> bool:
    """Say whether no escape sequence may be written: a pipe, a file, a dumb terminal, NO_COLOR."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb" or not stream.isatty()


def open_console(stream: IO[str] | None = None) -> Console:
    """Return a console on the stream (standard output) that takes text as it is: no markup, no emoji names."""
    from rich.console import Console

    class OurConsole(Console):
        """Leaves a closed pipe to the caller; rich's own way ends the program with exit code 1, a failed gate here."""

        def on_broken_pipe(self) -> None:
            raise  # noqa: PLE0704 - rich calls this where it has caught the error

    target = stream or sys.stdout
    plain = is_plain(target)
    return OurConsole(
        file=target,
        force_terminal=not plain,
        color_system=None if plain else "auto",
        markup=False,
        emoji=False,
        highlight=False,
    )


def accept_any_text() -> None:
    """Let characters that the streams' encoding lacks come out as escapes, instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
