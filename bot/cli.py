"""The `shopclerk` command: collects every package's commands and says what went wrong in one line.

It imports no command's work: a command's own function does that, so that `--help` answers at once.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import typer

from bot import commands as own
from bot.services import Services
from knowledge.errors import ShopclerkError

GROUP = "shopclerk.commands"


def build() -> typer.Typer:
    """The command tree: ours, then what the entry points bring, by name."""
    app = typer.Typer(name="shopclerk", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                      context_settings={"help_option_names": ["-h", "--help"]},
                      help="A customer-service assistant for online shops.")
    services = Services()
    own.commands(app, services)
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        try:
            register = point.load()
        except ImportError as error:        # a plug-in that cannot be loaded must not take the others along
            print(f"shopclerk: the commands of '{point.name}' are not available: {error}", file=sys.stderr)
            continue
        register(app, services)
    return app


def main() -> None:
    try:
        build()()
    except ShopclerkError as error:
        print(f"shopclerk: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:                 # `shopclerk … | head`
        sys.stderr.close()
        sys.exit(1)
