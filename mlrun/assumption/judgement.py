"""What is said of one assumption: a word, the statistic behind it, and how it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Word = Literal["ok", "strained", "violated", "not applicable"]
ALPHA = 0.01


@dataclass(frozen=True, slots=True)
class Judgement:
    """word: ok, strained, violated; not applicable = `told` says why. p_value: of the assumption, where one is found.

    statistic: what `value` is, as a reader would look it up. told: the measurement as part of a sentence.
    """

    word: Word
    statistic: str = ""
    value: float | None = None
    told: str = ""
    p_value: float | None = None


def not_applicable(why: str) -> Judgement:
    return Judgement("not applicable", told=why)


def word_above(value: float, strained: float, violated: float, speaks: bool) -> Word:
    """Return the word for an effect that should be small; speaks: whether chance is ruled out."""
    if not speaks or value <= strained:
        return "ok"
    return "violated" if value > violated else "strained"
