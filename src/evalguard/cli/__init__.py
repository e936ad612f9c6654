"""The command line → options, the run, its report and its exit code: the only room that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

import click

from evalguard._version import __version__
from evalguard.cli.codes import CLEAN, COULD_NOT_RUN, INTERRUPTED

# Each is imported when it is called, or when all are listed.
COMMANDS = {
    "baseline": "baselining",
    "check": "checking",
    "clean": "caching",
    "completion": "completing",
    "config": "configuring",
    "rule": "pages",
    "rules": "pages",
    "server": "serving",
    "trace": "tracing",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: As on the command line, which is read if there are none.

    Returns:
        The exit code: 0 nothing found, 1 findings, 2 could not run, 130 interrupted.
    """
    _open_streams()
    with suppress(OSError):  # where even errors can't be told, the exit code still tells
        try:
            return app.main(arguments, prog_name="evalguard", standalone_mode=False) or CLEAN
        except click.ClickException as error:
            error.show()
        except (click.Abort, KeyboardInterrupt):
            with suppress(OSError):
                click.echo("evalguard: interrupted", err=True)
            return INTERRUPTED
        except Exception:  # noqa: BLE001 (a crash must not look like findings, whose exit code is 1)
            import traceback

            told = f"evalguard: internal error, please report it\n{traceback.format_exc()}"
            click.echo(told, err=True)
    return COULD_NOT_RUN


def _open_streams() -> None:
    """Give those that were closed before the start, as by ``>&-``, a place that leads nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 (it stays open)


class _Commands(click.Group):
    """The commands; a path in place of one is taken for what it most likely is: a slip."""

    def list_commands(self, _: click.Context) -> list[str]:
        return [*COMMANDS]

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(
            import_module(f"evalguard.cli.{COMMANDS[cmd_name]}"), cmd_name
        )
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and os.path.exists(args[0]):
            raise click.UsageError(
                f"no such command: {args[0]}; to check it: evalguard check {args[0]}", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def app() -> None:
    """Find where a PyTorch program runs a module in the wrong mode."""
