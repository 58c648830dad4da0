"""Pictures of the data's parts: slices beside the rest of the rows, columns beside what they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun.check_details import Slice, read
from mlrun.picture.choice import MOST_ROWS
from mlrun.picture.shapes import Dot, DotRows, Picture, axis
from mlrun.records import Finding
from mlrun.wording import count, difference, number


def slices(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield the best model's slices, those with the widest gaps, each beside the rest of the rows."""
    mine = [each for each in findings if each.model == names[0] and each.value is not None]
    known = [(each, details) for each in mine if (details := read(Slice, each)) is not None]
    for measure in dict.fromkeys(each.measure for each, _ in known):
        shown = [(each, details) for each, details in known if each.measure == measure]
        shown.sort(key=lambda pair: -abs(pair[1].gap or 0.0))
        dots = tuple(
            Dot(each.variant, each.value or 0.0, each.low, each.high, details.rest, each.status in {"fail", "warn"})
            for each, details in shown[:MOST_ROWS]
        )
        widest, gap = shown[0]
        told = f"The widest gap of {names[0]} is {difference(gap.gap, gap.gap_low, gap.gap_high)}"
        told += f" in {measure}, where {widest.variant}."
        if len(shown) > len(dots):
            told += f" These are the {len(dots)} widest of {count(len(shown), 'slice')}."
        ends = [end for dot in dots for end in (dot.value, dot.low, dot.high, dot.beside) if end is not None]
        title = f"Slices of {names[0]}: {measure}"
        names_of_marks = ("95 % interval", "all other rows", "a slice that warns or fails")
        yield DotRows(title, told, axis(measure, ends), dots, *names_of_marks)


def drift(findings: Sequence[Finding], names: Sequence[str]) -> Iterator[Picture]:
    """Yield how far the columns and the best model's answers moved, those that moved most."""
    mine = [each for each in findings if each.model in {"", names[0]} and each.value is not None]
    if not mine:
        return
    shown = sorted(mine, key=lambda each: -(each.value or 0.0))
    dots = tuple(
        Dot(each.variant, each.value or 0.0, beside=each.threshold, marked=each.status in {"fail", "warn"})
        for each in shown[:MOST_ROWS]
    )
    moved = sum(each.status in {"fail", "warn"} for each in shown)
    told = f"{moved} of {len(shown)} moved; most of all {shown[0].variant}, by {number(shown[0].value)}."
    if len(shown) > len(dots):
        told += f" These are the {len(dots)} that moved most."
    ends = [0.0, *(end for dot in dots for end in (dot.value, dot.beside) if end is not None)]
    title = "How far columns and answers moved since the run"
    names_of_marks = ("", "from here on far", "it moved, beyond chance")
    yield DotRows(title, told, axis("population stability index", ends), dots, *names_of_marks)
