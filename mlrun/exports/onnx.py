"""ONNX: a champion in a file that any runtime reads, once it was seen to say what the champion says."""

from __future__ import annotations

from mlrun.contracts import ExportKind
from mlrun.run_options import ExportRequest

RUNTIME = "opset 18, onnxruntime 1.15 or later"


def write(wanted: ExportRequest) -> tuple[str, ...]:
    """Write the preparation, the estimator and what wraps it as one ONNX model; nothing where they are not equal."""
    from mlrun import runs
    from mlrun.graph.converting import convert
    from mlrun.handover import free_file, fresh_model
    from mlrun.wording import size

    target, record = free_file(wanted), runs.read_run(wanted.run)
    name = fresh_model(record, wanted.model)
    content, told = convert(wanted.run, name, wanted.trust)
    runs.write_atomically(target, content)
    return (f"{name} of {record.name} in {target} ({size(len(content))}; {RUNTIME})", *told)


ENTRY = ExportKind(
    write=write,
    writes="a file of one model, with its preparation",
    place=lambda run, model: f"{run}-{model}.onnx",
    of_model=True,
    modules=("onnx", "onnxruntime"),
    extra="exports",
)
