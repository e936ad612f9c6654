"""``evalguard clean``, and where results are kept from one run to the next."""

from __future__ import annotations

import click

from evalguard.cache.store import Store, usual
from evalguard.report.words import visible


def store_in(folder: str | None) -> Store:
    """The cache, in a folder or in the usual one."""
    return Store(folder or usual())


@click.command(short_help="Drop the results that are kept from earlier runs.")
@click.option("--cache-dir", metavar="DIR", help="The folder, in place of the usual one.")
def clean(cache_dir: str | None) -> None:
    """Drop the results that are kept from earlier runs."""
    store = store_in(cache_dir)
    number = store.clear()
    click.echo(f"evalguard: {number} dropped from {visible(store.folder)}", err=True)
