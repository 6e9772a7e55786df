"""``python -m s3_dr_cli`` and the command ``s3-dr``: exit codes, and errors as sentences."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click
from botocore.exceptions import BotoCoreError, ClientError

from .commands import cli
from .errors import Refused
from .text import error_code, error_message, one_line

OK = 0
FOUND = 1  # something is not as it should be
USAGE = 2
REFUSED = 3  # AWS said no, or cannot be reached
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the command line without the program's name; None takes the process's.

    Returns:
        The exit code.
    """
    try:
        code = cli.main(args=arguments, prog_name="s3-dr", standalone_mode=False)
    except click.Abort:  # also what click makes of Ctrl-C
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return USAGE
    except Refused as error:
        return _refuse(str(error))
    except ClientError as error:
        said = f"{error_code(error)}: {error_message(error)}"
        return _refuse(f"AWS said no to {error.operation_name}: {said}")
    except BotoCoreError as error:
        return _refuse(f"AWS cannot be asked: {one_line(error)}")
    return code if isinstance(code, int) else OK


def _refuse(sentence: str) -> int:
    click.echo(one_line(sentence), err=True)
    return REFUSED


def run() -> None:
    """What the installed command starts."""
    sys.exit(main())


if __name__ == "__main__":
    run()
