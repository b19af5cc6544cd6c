"""How packages share a group of commands such as `shopclerk evaluate`: whoever comes first creates it."""

from __future__ import annotations

import typer

HELP = {"evaluate": "Measure a part of the assistant on data.", "train": "Train a part of the assistant on data."}


def subcommand(app: typer.Typer, name: str) -> typer.Typer:
    """The group of this name on `app`, created when it is not there yet."""
    for group in app.registered_groups:
        if group.name == name and group.typer_instance is not None:
            return group.typer_instance
    created = typer.Typer(no_args_is_help=True, help=HELP.get(name, ""))

    @created.callback()
    def keep_group() -> None:
        """Keeps it a group while it has a single command."""

    app.add_typer(created, name=name, help=HELP.get(name, ""))
    return created
