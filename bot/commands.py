"""The bot's own commands: how each is called. The work is in the modules that they import when they run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from bot.services import Services
from knowledge.folder import DEFAULT_DIR

DEMO_DIR = Path("var/demo")
Directory = typer.Option(DEFAULT_DIR, "--dir", help="The shop's folder.", show_default=str(DEFAULT_DIR))
Host = typer.Option(None, "--host", help="Address to listen on.  [default: the shop's setting, 127.0.0.1]")
Port = typer.Option(None, "--port", min=1, max=65535, help="Port to listen on.  [default: the shop's setting, 8080]")


def commands(app: typer.Typer, services: Services) -> None:
    """Register them all."""
    _serving(app, services)
    _keeping(app)
    _talking(app, services)
    _keys(app, services)


def _serving(app: typer.Typer, services: Services) -> None:
    @app.command()
    def demo(directory: Path = typer.Option(DEMO_DIR, "--dir", help="Where the demo shop is kept."),
             host: str = "127.0.0.1", port: int = typer.Option(8080, min=1, max=65535)) -> None:
        """Make the demo shop and serve it; a second start uses the same shop."""
        from bot.demonstration import prepare_demo, storefront
        from bot.listening import bind
        from bot.serving import serve

        with bind(host, port) as listener:
            asyncio.run(serve(directory, listener, prepare=prepare_demo, front=storefront))

    @app.command()
    def serve(directory: Path = Directory, host: str | None = Host, port: int | None = Port,
              workers: int = typer.Option(1, min=1, max=64, help="Processes; more than one needs PostgreSQL.")) -> None:
        """Serve the shop's assistant over HTTP."""
        from bot.serving import serve_shop

        serve_shop(directory, services.settings(directory), host, port, workers)

    @app.command()
    def init(directory: Path = typer.Argument(..., help="The shop's folder.")) -> None:
        """Copy the default assistant (flows, texts, policies) into a shop's folder, to edit."""
        from bot.scaffold import copy_assistant

        target = copy_assistant(directory)
        typer.echo(f"the assistant's files are in {target}: edit them, then 'shopclerk serve --dir {directory}'")

    @app.command()
    def actions(directory: Path = Directory, host: str = "127.0.0.1",
                port: int = typer.Option(5055, min=1, max=65535)) -> None:
        """Serve the shop's actions to a Rasa assistant (Rasa's action server protocol)."""
        from bot.action_server import serve_actions

        serve_actions(directory, host, port)


def _keeping(app: typer.Typer) -> None:
    @app.command()
    def migrate(directory: Path = Directory,
                to: list[str] = typer.Option([], metavar="REVISION", help="E.g. bot:0001; may be given several times."),
                yes: bool = typer.Option(False, "--yes", help="Go back although the older tables hold less.")) -> None:
        """Bring the shop's database up to this version's tables, or take it to other revisions."""
        from bot.stores.opening import migrate as run

        typer.echo(asyncio.run(run(directory, to, yes)))

    @app.command()
    def backup(file: Path = typer.Argument(..., help="The file to write; it holds the shop's secrets."),
               directory: Path = Directory) -> None:
        """Write the shop into one file, while it is being served."""
        from bot.safekeeping import backup as run

        typer.echo(asyncio.run(run(directory, file)))

    @app.command()
    def restore(file: Path = typer.Argument(..., help="A file that 'shopclerk backup' wrote."),
                directory: Path = Directory,
                replace: bool = typer.Option(False, "--replace", help="Instead of the shop that is there.")) -> None:
        """Put a backup back, into an empty folder and database."""
        from bot.safekeeping import restore as run

        typer.echo(asyncio.run(run(file, directory, replace)))


def _talking(app: typer.Typer, services: Services) -> None:
    @app.command()
    def chat(directory: Path = Directory,
             customer: str = typer.Option("", help="Talk as this customer (id), as if signed in.")) -> None:
        """Talk to the assistant in the terminal."""
        from bot.chat import run_chat

        asyncio.run(run_chat(directory, customer or None))

    @app.command()
    def doctor(directory: Path = Directory,
               as_json: bool = typer.Option(False, "--json", help="One JSON document.")) -> None:
        """Tell what is installed, configured and reachable; exit code 1 when something needed is not."""
        from bot.doctor import examine, show

        raise typer.Exit(0 if show(asyncio.run(examine(directory)), as_json) else 1)


def _keys(app: typer.Typer, _services: Services) -> None:
    key = typer.Typer(no_args_is_help=True, help="API keys for the shop's backend.")
    app.add_typer(key, name="key")

    @key.command()
    def create(scope: list[str] = typer.Option(..., help="What the key may do; may be given several times."),
               name: str = typer.Option("", help="Whose key it is."), directory: Path = Directory) -> None:
        """Make a key and print it, once: only a hash of it is kept."""
        from bot.stores.opening import create_key

        typer.echo(asyncio.run(create_key(directory, scope, name)))

    @key.command("list")
    def list_keys(directory: Path = Directory) -> None:
        """Show every key's id, name, scopes and state; never the key."""
        from bot.keyring import show_keys

        asyncio.run(show_keys(directory))

    @key.command()
    def revoke(key_id: str = typer.Argument(..., metavar="ID"), directory: Path = Directory) -> None:
        """Take a key out of force at once."""
        from bot.stores.opening import revoke_key

        asyncio.run(revoke_key(directory, key_id))
        typer.echo(f"key {key_id} opens nothing any more")
