"""What the files of a run's folder are called."""

from __future__ import annotations

LOCK, JOURNAL, RUN, MANIFEST, TRIALS = "lock", "journal.jsonl", "run.json", "manifest.json", "trials.jsonl"
FINDINGS, LABELS = "findings.jsonl", "labels.json"
SCRATCH = "scratch"  # prepared folds that workers share: gone when the run ends
UNSEALED = (LOCK, RUN, MANIFEST, LABELS)
