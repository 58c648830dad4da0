"""From what a user calls a run to its tags and its note, shown and changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlrun import index
from mlrun.catalog import suggestion
from mlrun.errors import MlrunError, UsageError
from mlrun.runs import resolve
from mlrun.store.run_labels import Labels, change_labels, check_note, check_tag, read_labels


def tag(root: Path, name: str, tags: Sequence[str], removed: Sequence[str]) -> tuple[str, ...]:
    """Give a run tags and take others from it; return what is to be told of it. Nothing given: its tags alone."""
    path = resolve(root, name)
    for each in tags:
        check_tag(each)
    if both := sorted({*tags} & {*removed}):
        raise UsageError(f"'{both[0]}' cannot be given and removed at once")
    if not tags and not removed:
        return read_labels(path).tags

    def change(old: Labels) -> Labels:
        unknown = next((each for each in removed if each not in old.tags), None)
        if unknown is not None:
            raise UsageError(f"{name} has no tag '{unknown}'{suggestion(unknown, old.tags)}")
        return replace(old, tags=tuple(sorted({*old.tags, *tags} - {*removed})))

    labels = change_labels(path, change)
    return (f"{called(path)}: {', '.join(labels.tags) or 'no tags'}", *told_others(root, path, tags))


def told_others(root: Path, path: Path, tags: Sequence[str]) -> list[str]:
    """Say which other runs of the experiment have these tags, and which run EXPERIMENT@TAG means."""
    if path.parent.parent.resolve() != root.resolve():
        return []
    rows = index.rows(root, path.parent.name)
    sentences = []
    for each in dict.fromkeys(tags):
        having = [row.name for row in rows if each in row.tags.split()]
        others = [run for run in having if run != called(path)]
        if others:
            told = ", ".join(others[:3]) + (" ..." if len(others) > 3 else "")
            means = f"{path.parent.name}@{each} means {having[0]}, the newest"
            sentences.append(f"{told} {'has' if len(others) == 1 else 'have'} the tag '{each}' too; {means}")
    return sentences


def note(root: Path, name: str, text: str | None) -> tuple[str, ...]:
    """Give a run a note, "" takes it away; return what is to be told: without a text the note that it has."""
    path = resolve(root, name)
    if text is None:
        return tuple(filter(None, [read_labels(path).note]))
    wanted = check_note(text.strip())
    labels = change_labels(path, lambda old: replace(old, note=wanted))
    return (f"{called(path)}: {labels.note or 'no note'}",)


def called(path: Path) -> str:
    """Return the run's name as its folder has it."""
    return f"{path.parent.name}@{int(path.name)}" if path.name.isdigit() else path.name


def labels_for_machines(path: Path) -> dict[str, object]:
    """Return the tags and the note of a run; none where they cannot be read."""
    try:
        labels = read_labels(path)
    except MlrunError:
        labels = Labels()
    return {"tags": list(labels.tags), "note": labels.note}


def told_labels(path: Path) -> tuple[str, ...]:
    """Return the tags and the note of a run as lines; a damaged file is said, and no reason to stop."""
    try:
        labels = read_labels(path)
    except MlrunError as error:
        return (str(error),)
    tags = f"tags: {', '.join(labels.tags)}" if labels.tags else ""
    return tuple(filter(None, (tags, f"note: {labels.note}" if labels.note else "")))
