"""From Markdown to the summary of a CI job: appended to the file $GITHUB_STEP_SUMMARY, while there is room."""

from __future__ import annotations

import os
from pathlib import Path

LARGEST = 1024 * 1024  # bytes of a step; of more GitHub shows nothing at all ("supports content up to a size of 1024k")
CUT = "\n\n*Cut here: a summary holds 1 MiB. The run folder's report.md has the whole.*\n"


def append(markdown: str) -> str:
    """Append to the job's summary, where there is one; return why not when that fails, '' otherwise. Never raises."""
    name = os.environ.get("GITHUB_STEP_SUMMARY", "").strip()
    if not name:
        return ""
    try:
        with Path(name).open("ab") as file:
            text = within(markdown.rstrip() + "\n\n", LARGEST - os.fstat(file.fileno()).st_size)
            file.write(text)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not the name of a file"
        return f"the summary of this job could not be written: {name}: {why}"
    return "" if text else f"there is no room left in the summary of this job ({name})"


def within(markdown: str, room: int) -> bytes:
    """Return the text in at most so many bytes: cut after a line, and that is said; b'' where not even that fits."""
    whole = markdown.encode()
    if len(whole) <= room:
        return whole
    notice = CUT.encode()
    kept = whole[: max(0, room - len(notice))]
    kept = kept[: kept.rfind(b"\n") + 1]
    return kept + notice if kept else b""
