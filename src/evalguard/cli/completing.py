"""``evalguard completion``: a shell → the script that makes it complete the command.

The script calls the command again, with what is typed so far.
"""

from __future__ import annotations

import click

from evalguard.cli.output import emit

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_EVALGUARD_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Show the script that makes a shell complete evalguard.

    \b
    bash: eval "$(evalguard completion bash)"          in ~/.bashrc
    zsh:  eval "$(evalguard completion zsh)"           in ~/.zshrc
    fish: evalguard completion fish | source           in ~/.config/fish/config.fish
    """  # noqa: D301 (what click takes to leave lines as they are)
    from click.shell_completion import get_completion_class

    root = context.find_root()
    found = get_completion_class(shell)
    assert found is not None
    emit(found(root.command, {}, "evalguard", VARIABLE).source().strip() + "\n")


def rule_names(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """Complete a rule's name or code; of words with commas between them, the last one."""
    from evalguard.rules import load

    before, comma, last = begun.rpartition(",")
    words = [word for rule in load() for word in (rule.code, rule.name)]
    return [f"{before}{comma}{word}" for word in words if word.startswith(last)]
