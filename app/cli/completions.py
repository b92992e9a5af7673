"""`ironflow completions`: what a shell needs to complete our commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command("completions")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash   ironflow completions bash > ~/.local/share/bash-completion/completions/ironflow
    zsh    ironflow completions zsh > "${fpath[1]}/_ironflow"
    fish   ironflow completions fish > ~/.config/fish/completions/ironflow.fish
    """
    from app.cli.main import ironflow

    made = get_completion_class(shell)
    assert made is not None
    complete = made(ironflow, {}, "ironflow", "_IRONFLOW_COMPLETE")
    click.echo(complete.source_template % complete.source_vars())
