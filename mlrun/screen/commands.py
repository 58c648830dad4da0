"""How the command line is taken in: quick conversion of values, commands in the order of use, nearest names."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from mlrun.catalog import suggestion
from mlrun.errors import UsageError
from mlrun.terminal import is_plain


class Conversion:
    """Text, whole numbers and flags from the command line; typer's own way loads pydantic, 80 ms of CPU."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None or isinstance(value, (bool, int)):
            return () if value is None and param.multiple else value
        if param.type_descriptor.annotation is not int:
            return value
        lowest = param.type_descriptor.parameter_info.min
        try:
            wanted = int(value)
        except ValueError as error:
            raise typer.BadParameter(f"'{value}' is not a whole number", ctx=ctx, param=param) from error
        if lowest is not None and wanted < lowest:
            raise typer.BadParameter(f"{wanted} is less than {lowest}", ctx=ctx, param=param)
        return wanted


def converted_quickly(params: list[Any]) -> list[Any]:
    """Return the parameters, to be converted the quick way where typer has a place for that; else only time is lost."""
    for param in params:
        if hasattr(param, "_runtime_param"):
            param._runtime_param = Conversion()  # noqa: SLF001 - typer has no public door
    return params


def let_help_be_plain() -> None:
    """Keep typer from colours where none belong: it forces them in CI logs."""
    from typer import rich_utils

    if is_plain(sys.stdout):
        rich_utils.FORCE_TERMINAL = False


class Command(TyperCommand):
    """A command that starts quickly."""

    def get_params(self, ctx: Any) -> list[Any]:
        return converted_quickly(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        let_help_be_plain()
        super().format_help(ctx, formatter)


class Commands(TyperGroup):
    """The commands in the order of their use; a wrong name is answered with the nearest."""

    def get_params(self, ctx: Any) -> list[Any]:
        return converted_quickly(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        let_help_be_plain()
        super().format_help(ctx, formatter)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is None and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            raise UsageError(f"{ctx.command_path} has no command '{cmd_name}'{suggestion(cmd_name, self.commands)}")
        return found
