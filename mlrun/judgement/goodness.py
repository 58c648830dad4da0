"""From the best model beside baselines and simpler models to whether it is good: the questions G0 to G3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mlrun import metrics
from mlrun.judgement.head_to_head import Lead, done, guesses, lead_in_metric, lead_in_worth, turn
from mlrun.leaderboard import Line
from mlrun.store.run_record import Answer, VerdictPart
from mlrun.weighing import chance_above, rows_needed, tolerance
from mlrun.wording import difference

if TYPE_CHECKING:
    from mlrun.course import Course
    from mlrun.judgement.utility import Worth

HEURISTICS = ("rule", "constant", "previous", "max_z")
NO_BETTER = "no better than guessing"


def good_parts(course: Course, best: Line, lines: Sequence[Line], worth: Worth | None) -> Iterator[VerdictPart]:
    """Yield G0 to G3; the leads are in the first metric, over simpler models in utility where that is known."""
    every = tuple(lines)
    yield beats_guessing(course, leads(course, best, guesses(course, every)))
    yield beats_heuristics(course, best, done(every, HEURISTICS))
    yield needs_its_size(course, best, every, worth)
    yield beats_existing(course, best, done(every, ("existing",)))


def leads(course: Course, best: Line, others: Sequence[Line]) -> list[Lead]:
    """Return the leads over those for which the first metric is defined, the least certain first."""
    found = [lead_in_metric(course, course.metrics[0], best, other) for other in others]
    return sorted((lead for lead in found if lead is not None), key=lower_end)


def lacking(course: Course, others: Sequence[Line], nothing: str) -> str:
    """Return why there is no lead: there is nothing to lead over, or the metric is not defined for what there is."""
    names = ", ".join(other.record.name for other in others)
    return f"{course.metrics[0].label} is not defined for {names}" if names else nothing


def lower_end(lead: Lead) -> float:
    return float("-inf") if lead.found.low is None else lead.found.low


def beats_guessing(course: Course, found: Sequence[Lead]) -> VerdictPart:
    """Answer G0: every interval lies above 0, else it is no better than guessing."""
    question = "Does it beat random answers and the zero rule?"
    if not found:
        return VerdictPart("G0", question, "undecided", reason=f"{course.metrics[0].label} is not defined for guesses")
    lead = found[0]
    if lower_end(lead) > 0:
        return part("G0", question, "yes", lead, f"{told(lead)}")
    return part("G0", question, "no", lead, f"{NO_BETTER}: {told(lead)}")


def beats_heuristics(course: Course, best: Line, others: Sequence[Line]) -> VerdictPart:
    """Answer G1: each is beaten by the rope at least, with the probability that the spec asks for."""
    question, sure = "Does it beat each heuristic?", course.spec.evaluation.confidence
    found = leads(course, best, others)
    if not found:
        return VerdictPart("G1", question, "not asked", reason=lacking(course, others, "there is no heuristic to beat"))
    ropes = [in_units(course, course.spec.evaluation.rope, lead) for lead in found]
    chances = [chance_above(lead.found, rope, sure) or 0.0 for lead, rope in zip(found, ropes, strict=True)]
    chance, place = min(zip(chances, range(len(found)), strict=True))
    lead, rope = found[place], ropes[place]
    said = f"{told(lead)}, P({rope:.3g} better) = {chance:.3f}"
    if chance >= sure:
        return part("G1", question, "yes", lead, said)
    if (lead.found.difference or 0.0) <= rope:
        return part("G1", question, "no", lead, f"{lead.over} does as well: {said}")
    return part("G1", question, "undecided", lead, f"{rows_needed(lead.found, lead.rows, sure, rope, sides=1)}: {said}")


def in_units(course: Course, bound: float, lead: Lead) -> float:
    """Return a bound on leads in the first metric's unit: of one without a highest value a share of the other's."""
    metric = metrics.entry(course.metrics[0].name, course.spec.folder)
    return tolerance(bound, metric.bounds[1], lead.score)


def needs_its_size(course: Course, best: Line, lines: tuple[Line, ...], worth: Worth | None) -> VerdictPart:
    """Answer G2: no simpler family's interval reaches the best; else the simplest such one is to be kept."""
    question, rank, first = "Does it beat every simpler model?", best.record.simplicity_rank or 0, course.metrics[0]
    simpler = [line for line in lines if is_simpler(line, rank)]
    if not simpler:
        return VerdictPart("G2", question, "yes", reason="no simpler family was tried")
    beaten: list[Lead] = []
    for other in sorted(simpler, key=lambda line: line.record.simplicity_rank or 0):
        lead = lead_in_worth(course, worth, best, other) if worth else lead_in_metric(course, first, best, other)
        if lead is None:
            continue
        within = is_within(course, best, other)
        if within is not None or lower_end(lead) <= 0:
            chance = chance_above(lead.found, 0.0, course.spec.evaluation.confidence)
            sure = "" if chance is None else f", P(better) = {chance:.3f}"
            near = "" if within is None else f", within {within:g} of it"
            said = f"keep {lead.over}, which is simpler: {told(lead, 'it')}{sure}{near}"
            return part("G2", question, "no", lead, said)
        beaten.append(lead)
    if not beaten:
        return VerdictPart("G2", question, "not asked", reason=f"{first.label} is not defined for simpler ones")
    least = min(beaten, key=lower_end)
    return part("G2", question, "yes", least, f"{told(least)}")


def is_simpler(line: Line, rank: int) -> bool:
    record = line.record
    return record.kind == "model" and record.status == "done" and (record.simplicity_rank or 0) < rank


def is_within(course: Course, best: Line, other: Line) -> float | None:
    """Return by how much a simpler model may be worse in the first metric, when it is not worse by more."""
    within = None if course.spec.useful is None else course.spec.useful.prefer_simpler_within
    lead = None if within is None else lead_in_metric(course, course.metrics[0], best, other)
    if within is None or lead is None or lead.found.difference is None:
        return None
    return None if lead.found.difference > in_units(course, within, lead) else within


def beats_existing(course: Course, best: Line, others: Sequence[Line]) -> VerdictPart:
    """Answer G3: the lead over what is in use today lies above 0."""
    question, sure = "Does it beat what is in use today?", course.spec.evaluation.confidence
    found = leads(course, best, others)
    if not found:
        nothing = "the spec names nothing that is in use"
        return VerdictPart("G3", question, "not asked", reason=lacking(course, others, nothing))
    lead = found[0]
    said = f"{told(lead)}"
    if lower_end(lead) > 0:
        return part("G3", question, "yes", lead, said)
    if (lead.found.difference or 0.0) <= 0:
        return part("G3", question, "no", lead, said)
    return part("G3", question, "undecided", lead, f"{rows_needed(lead.found, lead.rows, sure)}: {said}")


def part(code: str, question: str, answer: Answer, lead: Lead, reason: str) -> VerdictPart:
    """Return an answer with the lead that it rests on."""
    found = lead.found
    return VerdictPart(code, question, answer, lead.unit, found.difference, found.low, found.high, lead.skill, reason)


def told(lead: Lead, over: str = "") -> str:
    """Return a lead as people read it: roc_auc +0.1 [+0.05, +0.15] over X; rmse lower by 3 [1, 5] than X."""
    found, name = lead.found, over or lead.over
    if not lead.lower:
        return f"{lead.unit} {difference(found.difference, found.low, found.high)} over {name}"
    behind = (found.difference or 0.0) < 0
    found = turn(found) if behind else found
    shown = difference(found.difference, found.low, found.high).replace("+", "")
    return f"{lead.unit} {'higher' if behind else 'lower'} by {shown} than {name}"
