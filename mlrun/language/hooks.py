"""From the hooks as written to their records: what is run, or told, when a run ends."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, Tag

from mlrun.events import Hook
from mlrun.language.problems import Findings, check_shape, quote
from mlrun.language.shape import MARK, Free, Names, Shape, Text, either
from mlrun.language.yaml_reader import Path
from mlrun.variables import VARIABLE

MOST_SECONDS = 600
MOST_HOOKS = 20  # of one event; all of them run at once
SHELLS = re.compile(r"[|&;<>]+|\d?>+&?\S*|<\S*")  # a word that only a shell would act on
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2: token
CURE = "Write {run: [PROGRAM, ARGUMENT, ...]} for a command, {url: ADDRESS} for a webhook, or a list of such."


class HookShape(Shape):
    run: (
        Annotated[
            Annotated[Text, Tag(f"{MARK}text")] | Annotated[Annotated[Names, Field(min_length=1)], Tag(f"{MARK}list")],
            either("must be a command as text, or a list: the program and its arguments"),
        ]
        | None
    ) = Field(default=None, description="a command: text, or the list of its words; no shell reads it")
    url: Text | None = Field(default=None, description="an http(s) address that gets the facts of the run as JSON")
    headers: dict[Text, Text] = Field(default={}, description="of a webhook: more headers")
    body: Free | None = Field(default=None, description="of a webhook: JSON that is sent in place of the facts")
    timeout: Annotated[float, Field(gt=0, le=MOST_SECONDS)] = Field(
        default=30, description="seconds after which it is ended"
    )


Hooks = Annotated[list[HookShape], Field(max_length=MOST_HOOKS)]


class HooksShape(Shape):
    done: Hooks = Field(default=[], description="the run came to its end, and neither of the next two holds")
    failed: Hooks = Field(default=[], description="an error ended it, no model could be fitted, or trials failed")
    regressed: Hooks = Field(default=[], description="a gate failed")
    always: Hooks = Field(default=[], description="each of the three")


def read_hooks(written: Any, findings: Findings) -> tuple[Hook, ...]:
    """Return the hooks in the order in which they are written; what is wrong is told."""
    if written is None:
        return ()
    if not isinstance(written, Mapping):
        told = f"'hooks' must be a mapping from done, failed, regressed or always, not {quote(written)}"
        findings.add(("hooks",), told)
        return ()
    for path, entry in _odd_entries(written):
        findings.add(path, f"{quote(entry)} is no hook", CURE)
    shape = check_shape(HooksShape, _readable(written), findings, ("hooks",))
    if shape is None:
        return ()
    return tuple(
        _read(hook, event, number, findings)
        for event in HooksShape.model_fields
        for number, hook in enumerate(getattr(shape, event))
        if not findings.is_broken("hooks", event, number)
    )


def hooks_schema(section: Mapping[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of `hooks` as people write them; parts: the definitions, to which that of a hook is added."""
    shape = HooksShape.model_json_schema(ref_template="#/$defs/{model}")
    parts.update(shape.pop("$defs", {}))
    one = {"$ref": "#/$defs/HookShape"}
    for event in shape["properties"].values():
        del event["items"], event["type"]
        event["anyOf"] = [{"type": "array", "items": one}, one, {"type": "string", "minLength": 1}, {"type": "null"}]
    return {**section, "anyOf": [shape, {"type": "null"}]}


def _odd_entries(written: Mapping[Any, Any]) -> Iterator[tuple[Path, Any]]:
    """Yield of each event what is neither a hook nor a list of them, or the first such entry of its list."""
    for event, hooks in written.items():
        if event not in HooksShape.model_fields:
            continue
        if not isinstance(hooks, list):
            yield ("hooks", event), hooks
            continue
        odd = [(number, entry) for number, entry in enumerate(hooks) if not isinstance(entry, Mapping)]
        yield from ((("hooks", event, number), entry) for number, entry in odd[:1])


def _readable(written: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the hooks without the events of which something was told already."""
    odd = {path[1] for path, _ in _odd_entries(written)}
    return {event: hooks for event, hooks in written.items() if event not in odd}


def _read(shape: HookShape, event: str, number: int, findings: Findings) -> Hook:
    path: Path = ("hooks", event, number)
    given = [key for key in ("run", "url") if getattr(shape, key) is not None]
    if len(given) != 1:
        findings.add(path, f"a hook needs exactly one of run, url; it has {len(given)}")
    if "url" not in given:
        for key in ("headers", "body"):
            if getattr(shape, key):
                findings.add((*path, key), f"'{key}' goes with 'url'", "Remove it.", key=True)
    _check_address(shape, path, findings)
    command = _words(shape.run, (*path, "run"), findings)
    return Hook(
        event=event,
        name=f"{event}.{number}",
        command=command,
        url=shape.url or "",
        headers=dict(shape.headers),
        body=shape.body,
        timeout=float(shape.timeout),
    )


def _words(run: str | list[str] | None, path: Path, findings: Findings) -> tuple[str, ...]:
    """Return the program and its arguments; a text is divided as a shell divides it, and nothing else of a shell."""
    if not isinstance(run, str):
        return tuple(run or ())
    try:
        words = shlex.split(run)
        as_written = shlex.split(run, posix=False)
    except ValueError:
        findings.add(path, f"a quotation mark in {quote(run)} is not closed")
        return ()
    shells = next((word for word in as_written if SHELLS.fullmatch(word)), "")
    if shells:
        cure = "Write {run: [sh, -c, '...']}, or put the line into a script."
        findings.add(path, f"{quote(shells)} is for a shell, and no shell reads a hook", cure)
    if not words:
        findings.add(path, "the command is empty")
    return tuple(words)


def _check_address(shape: HookShape, path: Path, findings: Findings) -> None:
    """Tell an address that is none, or holds a secret that would be stored, and headers that are none."""
    for key, text in (("url", shape.url or ""), *((f"headers.{name}", value) for name, value in shape.headers.items())):
        where = (*path, *key.split(".", 1))
        if "${" in VARIABLE.sub("", text):
            findings.add(where, "what stands in ${...} is no variable", "Write ${ENV:NAME}.")
        if any(not character.isprintable() for character in text):
            findings.add(where, f"'{key.partition('.')[0]}' must be one line of text")
    for name in shape.headers:
        if not HEADER.fullmatch(name):
            findings.add((*path, "headers", name), f"{quote(name)} cannot be the name of a header", key=True)
    plain = VARIABLE.sub("x", shape.url or "")
    begins_open = VARIABLE.match(shape.url or "") is not None
    if shape.url is None or findings.is_broken(*path, "url"):
        return
    try:
        parts = urlsplit(plain)
    except ValueError:
        parts = urlsplit("")
    if " " in plain or (not begins_open and (parts.scheme not in ("http", "https") or not parts.hostname)):
        findings.add((*path, "url"), "a webhook's address begins with http:// or https://, then the host")
    elif "@" in parts.netloc:
        cure = "Write headers: {Authorization: 'Basic ${ENV:NAME}'}, so that no run folder holds it."
        findings.add((*path, "url"), "a name or password does not belong into the address", cure)
