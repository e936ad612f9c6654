"""``evalguard server``: the language server, if what it needs is installed."""

from __future__ import annotations

import os

import click

from evalguard.cli.configuring import with_file
from evalguard.collector import awake

NEEDED = ("pygls", "lsprotocol")
MISSING = "the language server needs pygls 2: pip install 'evalguard[server]'"


@click.command()
@click.option("--stdio", is_flag=True, help="Talk over standard input and output, as always.")
@with_file
def server(stdio: bool, config: str | None, isolated: bool) -> None:  # noqa: ARG001 (many editors give it)
    """Talk to an editor in the language server protocol.

    Editors start it. docs/editors.md tells how to have them do so.
    """
    try:
        from evalguard.server.serving import serve
    except ImportError as error:
        if (error.name or "").split(".")[0] not in NEEDED:
            raise
        raise click.UsageError(MISSING) from None
    awake()
    serve(os.path.abspath(config) if config else None, isolated)
