"""From a hook with `${ENV:NAME}` to one that can be used, and back: what was filled in is never told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlrun.errors import UsageError
from mlrun.events import Hook
from mlrun.variables import fill, named


@dataclass(frozen=True, slots=True)
class Filled:
    """A hook that can be used; secrets: variable → the value that stands in it."""

    hook: Hook
    secrets: Mapping[str, str] = field(default_factory=dict)

    def masked(self, text: str) -> str:
        """Return text with `${ENV:NAME}` in the place of each value that was filled in."""
        for name, value in sorted(self.secrets.items(), key=lambda pair: -len(pair[1])):
            if value:
                text = text.replace(value, f"${{ENV:{name}}}")
        return text


def filled(hook: Hook, environment: Mapping[str, str], facts: Mapping[str, str]) -> Filled:
    """Return the hook with its variables: facts of the run (MLRUN_...), else the environment's.

    Raises UsageError that names a variable which is not set.
    """
    secrets: dict[str, str] = {}

    def value_of(name: str) -> str:
        if name in facts:
            return facts[name]
        if name not in environment:
            raise UsageError(f"the environment variable {name} is not set")
        secrets[name] = environment[name]
        return secrets[name]

    ready = replace(
        hook,
        command=fill(hook.command, value_of),
        url=fill(hook.url, value_of).strip(),  # a line end behind a secret is no part of an address
        headers={name: fill(text, value_of).strip() for name, text in hook.headers.items()},
        body=fill(hook.body, value_of),
    )
    return Filled(ready, secrets)


def missing(hook: Hook, environment: Mapping[str, str], facts: frozenset[str]) -> tuple[str, ...]:
    """Return the variables that a hook names, and that are set nowhere."""
    wanted = named([hook.command, hook.url, hook.headers, hook.body])
    return tuple(dict.fromkeys(name for name in wanted if name not in environment and name not in facts))
