"""Model card: what the model is, what it is for, how good it is and where it is not, in Markdown."""

from __future__ import annotations

from mlrun.contracts import ExportKind
from mlrun.run_options import ExportRequest


def write(wanted: ExportRequest) -> tuple[str, ...]:
    """Write a card after Mitchell et al. (2019), Model cards for model reporting, with Hugging Face's metadata."""
    from mlrun import runs
    from mlrun.card.facts import read_facts
    from mlrun.card.page import card
    from mlrun.handover import free_file, model_named

    target, record = free_file(wanted), runs.read_run(wanted.run)
    model = model_named(record, wanted.model)
    runs.write_atomically(target, card(read_facts(wanted.run, model)).encode())
    return (f"model card of {model.name} of {record.name} in {target}",)


ENTRY = ExportKind(
    write=write,
    writes="a Markdown file about one model",
    place=lambda run, model: f"{run}-{model}.md",
    of_model=True,
)
