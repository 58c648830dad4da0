"""Whether a family can be fitted on more rows: how its time grows when they double."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlrun.assumption.judgement import Judgement, not_applicable

if TYPE_CHECKING:
    from mlrun.assumption.judgement import Word
    from mlrun.check_contracts import Context, Subject

SHARES = (0.125, 0.25, 0.5)
NOISE, FEWEST_SECONDS = 0.01, 0.05  # a shorter fit tells nothing; if the longest is not longer, nobody need care
STEEP, TEN_TIMES, PATIENCE_SECONDS = 1.5, 10, 600.0
CONSEQUENCES = {
    "": "with many more rows it cannot be fitted: sample them, or choose a family that grows with rows alone"
}


def judge(subject: Subject, context: Context) -> Judgement:
    """Judge the slope of log seconds over log rows as rows double, and the time that ten times the rows would take."""
    if subject.refit is None or len(context.train) < 200:
        return not_applicable("it cannot be fitted again here, or there are too few rows")
    generator = np.random.default_rng([context.seed, 95])
    order = generator.permutation(context.train)
    parts = [np.sort(order[: round(share * len(order))]) for share in SHARES]
    asked = context.rows[:1] if len(context.rows) else context.train[:1]
    answers = subject.refit([(rows, (asked,)) for rows in parts])
    seconds = [*(None if answer.failure else answer.fit_seconds for answer in answers), subject.fit_seconds]
    sizes = [*map(len, parts), len(context.train)]
    timed = [(size, each) for size, each in zip(sizes, seconds, strict=True) if each is not None and each > NOISE]
    if len(timed) < 3 or timed[-1][1] < FEWEST_SECONDS:
        return not_applicable("its fits take hundredths of a second")
    slope = slope_of(timed)
    later = timed[-1][1] * TEN_TIMES**slope
    told = f"its time grows as rows^{slope:.1f}: ten times the rows would take {later:,.0f} s"
    return Judgement(word_of(slope, timed[-1][1], later), "slope of log seconds over log rows", slope, told)


def slope_of(timed: list[tuple[int, float]]) -> float:
    """Return the least squares slope of log seconds over log rows."""
    rows, seconds = (np.log([max(pair[place], 1e-6) for pair in timed]) for place in (0, 1))
    return float(np.polyfit(rows, seconds, 1)[0])


def word_of(slope: float, now: float, later: float) -> Word:
    """Return the word: steep growth alone is harmless while fits are short."""
    if not math.isfinite(slope) or slope <= STEEP:
        return "ok"
    return "violated" if now > PATIENCE_SECONDS else "strained" if later > PATIENCE_SECONDS else "ok"
