"""From values and comments to lines of YAML that are read back as they were meant, whatever a name holds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlrun.terminal import printable

COMMENT_AT = 40
WIDTH = 110
SHOWN = 6
PLAIN = re.compile(r"(\.{0,2}/)*[A-Za-z_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*")
NOT_PLAIN = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}  # the last six for other readers of YAML
REFUSED = re.compile("[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def quote(value: object) -> str:
    """Return a value as YAML reads it back: names as they are where that is safe, else in quotes, on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    text = str(value)
    if PLAIN.fullmatch(text) and text.lower() not in NOT_PLAIN:
        return text
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    """Return what stands for a character inside double quotes; also for those that YAML or a terminal would act on."""
    if character in '"\\':
        return f"\\{character}"
    if character == "\t":
        return "\\t"
    if character.isprintable() and not REFUSED.match(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quote_condition(condition: str) -> str:
    """Return a SQL condition in the quotes that it does not hold itself, where there are such."""
    if "'" not in condition and not REFUSED.search(condition):
        return f"'{condition}'"
    return '"' + "".join(map(_escape, condition)) + '"'


def flow_list(names: Sequence[object]) -> str:
    """Return a list on one line."""
    return f"[{', '.join(map(quote, names))}]"


def say(text: str, why: str = "") -> str:
    """Return a line with its comment beside it; above it where both would be too long."""
    if not why:
        return text
    remark = f"# {printable(why)}"
    beside = f"{text:<{COMMENT_AT}}{remark}" if len(text) < COMMENT_AT else f"{text}  {remark}"
    if len(beside) <= WIDTH:
        return beside
    return f"{' ' * (len(text) - len(text.lstrip()))}{remark}\n{text}"


def comment(text: str) -> str:
    """Return a comment that stands where the comments of other lines do."""
    return f"{' ' * COMMENT_AT}# {printable(text)}"


def offer(text: str, why: str) -> str:
    """Return a line that says nothing until its mark is taken away."""
    indent = len(text) - len(text.lstrip())
    return say(f"{text[:indent]}# {text[indent:]}", why)


def few(names: Sequence[object]) -> str:
    """Return the first names in words, for a comment."""
    return ", ".join(map(str, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
