"""Options of the command line → a ``Configuration``; ``evalguard config`` shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from evalguard.cli.completing import rule_names
from evalguard.cli.given import places
from evalguard.cli.output import emit
from evalguard.config.kinds import Wrong
from evalguard.config.settings import Key, keys
from evalguard.report.words import visible

if TYPE_CHECKING:
    from evalguard.config.layers import Configuration

Command = Callable[..., Any]
METAVARS = {"select": "RULES", "ignore": "RULES", "exclude": "PATTERNS", "baseline": "FILE"}
FILES = (
    click.option("--config", metavar="FILE", help="Use this configuration file."),
    click.option("--isolated", is_flag=True, help="Use no configuration file."),
)


def _words(_: click.Context, __: click.Parameter, values: Sequence[str]) -> list[str]:
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


def with_settings(*without: str) -> Callable[[Command], Command]:
    """Give a command the options of the settings; it takes a ``Configuration`` in their place.

    Args:
        without: The settings that the command has no options for.
    """
    wanted = [key for key in keys().values() if key.option and key.name not in without]
    return lambda command: _with_options(command, wanted)


def with_file(command: Command) -> Command:
    """Give a command the options that choose the configuration file."""

    @wraps(command)
    def run(*args: Any, config: str | None, isolated: bool, **rest: Any) -> Any:
        if config and isolated:
            raise click.UsageError("--config and --isolated exclude one another")
        return command(*args, config=config, isolated=isolated, **rest)

    whole: Command = run
    for option in reversed(FILES):
        whole = option(whole)
    return whole


def _with_options(command: Command, options: Sequence[Key]) -> Command:
    @wraps(command)
    def run(*args: Any, config: str | None, isolated: bool, **rest: Any) -> Any:
        given = {key.name: rest.pop(_name(key.name)) for key in options}
        wanted = {name: value for name, value in given.items() if value not in (None, [])}
        paths = places(rest.get("paths", ()), rest.get("stdin_filename"))
        return command(*args, configuration=_configured(paths, wanted, config, isolated), **rest)

    whole = with_file(run)
    for option in reversed([*map(_option, options)]):
        whole = option(whole)
    return whole


def _configured(
    paths: Sequence[str], given: Mapping[str, object], config: str | None, isolated: bool
) -> Configuration:
    from evalguard.config.files import ConfigError
    from evalguard.config.layers import configured

    try:
        return configured(paths, given, config, isolated)
    except (Wrong, ConfigError) as error:
        raise click.UsageError(visible(str(error))) from None


def _option(key: Key) -> Callable[[Command], Command]:
    kind = key.kind
    if kind.choices:
        form: dict[str, Any] = {"type": click.Choice(kind.choices, case_sensitive=False)}
        help_text = f"{key.help}  [default: {kind.plain(key.default)}]"
    elif isinstance(key.default, bool):
        form, help_text = {"is_flag": True, "default": None}, key.help
    elif isinstance(key.default, int):
        form = {"type": click.IntRange(0), "metavar": "N"}
        help_text = key.help
    elif isinstance(key.default, str):
        form, help_text = {"metavar": METAVARS[key.name]}, key.help
    else:
        metavar = METAVARS[key.name.removeprefix("extend-")]
        form = {"multiple": True, "callback": _words, "metavar": metavar}
        if metavar == "RULES":
            form["shell_complete"] = rule_names
        help_text = key.help
    return click.option(f"--{key.name}", _name(key.name), help=help_text, **form)


def _name(key: str) -> str:
    return key.replace("-", "_")


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]", type=click.Path())
@click.option("--schema", is_flag=True, help="Show the JSON schema of configuration files instead.")
@with_settings()
def config(schema: bool, configuration: Configuration, **_paths: object) -> None:
    """Show what is in force for a path, and where each value is from.

    Takes the options of `check` that have to do with configuration.
    """
    if schema:
        from evalguard.config.schema import written as schema_written

        emit(schema_written())
        return
    from evalguard.config.toml import written

    emit(written(configuration))
