"""Pictures of the data's parts: slices beside the rest of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlrun.check_details import Slice, read
from mlrun.picture.choice import MOST_ROWS
from mlrun.picture.shapes import Dot, DotRows, Picture, axis
from mlrun.records import Finding
from mlrun.wording import count, difference


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
