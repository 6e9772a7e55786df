"""Commands that a person is told to run: they are about the installation that was asked about."""

from __future__ import annotations

import shlex

import click

from .places import Options
from .text import plain


def command(words: str) -> str:
    """A command of this tool, with the options that were given to the one that runs.

    Args:
        words: what follows the tool's name; plain already.
    """
    return " ".join(["s3-dr", words, *given("name", "region", "profile", "dr_profile")])


def given(*names: str) -> list[str]:
    """Those of the named options that stand on the command line; what the shell knows stays so."""
    context = click.get_current_context(silent=True)
    options = context.find_object(Options) if context else None
    values = (
        {name: options.given[name] for name in names if name in options.given} if options else {}
    )
    return [
        f"--{name.replace('_', '-')} {shlex.quote(plain(value))}" for name, value in values.items()
    ]
