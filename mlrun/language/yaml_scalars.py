"""From the text of a scalar to its value, by the rules of YAML 1.2's core schema."""

from __future__ import annotations

import re
from collections.abc import Mapping

Scalar = str | int | float | bool | None

MAX_DIGITS = 300
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WORDS: Mapping[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
KINDS: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}


def resolve(text: str) -> Scalar:
    """Return what plain text means: null, true, false, a number, or itself.

    Raises ValueError, in a sentence, for a number of more than MAX_DIGITS characters.
    """
    if text in WORDS:
        return WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if len(text) > MAX_DIGITS and (INTEGER.fullmatch(text) or FLOAT.fullmatch(text)):
        raise ValueError("this number is too long; quote it if it is text")
    if INTEGER.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if NOT_FINITE.fullmatch(text) else text


def tagged(text: str, kind: str) -> Scalar:
    """Return the value of text that is tagged with a kind of the core schema: `!!str 12` is '12'.

    Raises KeyError for another tag, ValueError when the text is not of that kind.
    """
    expected = KINDS[kind]
    value = text if kind == "str" else resolve(text)
    if not isinstance(value, expected) or (isinstance(value, bool) and kind != "bool"):
        raise ValueError(f"'{text[:60]}' is not of the kind that its tag says")
    return value
