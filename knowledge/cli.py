"""The commands of the knowledge base: how each is called. The work is in the modules they import when they run."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from knowledge.folder import DEFAULT_DIR

if TYPE_CHECKING:
    from knowledge.ingest import IngestReport
    from knowledge.models import Order

Directory = typer.Option(DEFAULT_DIR, "--dir", help="The shop's folder.", show_default=str(DEFAULT_DIR))
Json = typer.Option(False, "--json", help="Print one JSON document.")


def commands(app: typer.Typer, services: Any) -> None:
    """Register them all."""
    _files(app)
    _orders(app)
    from knowledge import search_cli

    search_cli.commands(app, services)


def _files(app: typer.Typer) -> None:
    @app.command()
    def ingest(
        paths: list[Path] = typer.Argument(..., metavar="PATH...", help="Files, or folders of native files."),
        directory: Path = Directory,
        format: str = typer.Option("auto", "--format",
                                   help="auto, native, shopify, woocommerce, merchant-feed or documents."),
        prune: bool = typer.Option(False, "--prune", help="Remove orders and customers that their file no longer has."),
        as_json: bool = Json,
    ) -> None:
        """Read products, customers, orders and documents into the shop, and make them searchable."""
        from knowledge.connectors.detect import parse_format
        from knowledge.ingest import ingest as run
        from knowledge.ingest_progress import IngestProgress

        wanted = parse_format(format)
        with IngestProgress() as progress:
            report = asyncio.run(run(directory, paths, format=wanted, prune=prune, progress=progress.update))
        for warning in report.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        print(json.dumps(_report_json(report), ensure_ascii=False) if as_json else _report_text(report))

    @app.command()
    def export(out: Path = typer.Argument(..., metavar="OUT_DIR", help="Folder for the files."),
               directory: Path = Directory, as_json: bool = Json) -> None:
        """Write the whole store in native format."""
        written = asyncio.run(_export(directory, out))
        if as_json:
            print(json.dumps(written))
            return
        for name, count in written.items():
            print(f"{out / name}: {count} rows")


def _orders(app: typer.Typer) -> None:
    order = typer.Typer(no_args_is_help=True, help="Orders, for the shop's staff.")
    app.add_typer(order, name="order")

    @order.callback()
    def group() -> None:
        """Keeps `order` a group although it has one command."""

    @order.command()
    def show(number: str = typer.Argument(..., help="The order's number, in any spelling."),
             directory: Path = Directory, as_json: bool = Json) -> None:
        """Show one order."""
        from knowledge import native

        found = asyncio.run(_order(directory, number))
        print(native.compact(native.order_to(found)) if as_json else _order_text(found))


async def _export(directory: Path, out: Path) -> dict[str, int]:
    from knowledge.export import export
    from knowledge.store import open_knowledge

    knowledge = await open_knowledge(directory, create=False)
    try:
        return await export(knowledge, out)
    finally:
        await knowledge.close()


async def _order(directory: Path, number: str) -> Order:
    from knowledge.errors import NotFound
    from knowledge.store import open_knowledge

    knowledge = await open_knowledge(directory, create=False)
    try:
        found = await knowledge.orderbook.order_by_number(number) or await knowledge.orderbook.order(number)
    finally:
        await knowledge.close()
    if found is None:
        raise NotFound(f"no order '{number}' in {directory} (check the number, or ingest the shop's orders)")
    return found


def _report_json(report: IngestReport) -> dict[str, Any]:
    files = [{"file": one.file, "source": one.source, "changes": [
        {"kind": c.kind, "added": c.added, "changed": c.changed, "removed": c.removed, "unchanged": c.unchanged,
         "kept": c.kept} for c in one.changes]} for one in report.files]
    return {"files": files, "warnings": list(report.warnings)}


def _report_text(report: IngestReport) -> str:
    lines = []
    for one in report.files:
        for c in one.changes:
            kept = f", {c.kept} kept as changed here since" if c.kept else ""
            lines.append(f"{one.file}: {c.kind}: {c.added} added, {c.changed} changed, {c.removed} removed, "
                         f"{c.unchanged} unchanged{kept}")
    return "\n".join(lines) or "nothing to read"


def _order_text(order: Order) -> str:
    """For a person; `--json` has everything."""
    lines = [f"{order.number}  {order.status.value}  customer {order.customer_id}"]
    for line in order.lines:
        options = f" ({', '.join(line.options.values())})" if line.options else ""
        price = f"{line.unit_price} {order.currency}"
        lines.append(f"  {line.quantity} × {line.title}{options}  {price}  [{line.variant_id}]")
    lines.append(f"  total {order.total} {order.currency}")
    lines += [f"  {p.kind} {p.amount} {order.currency} {p.method_id or ''}".rstrip() for p in order.payments]
    for parcel in order.fulfillments:
        lines.append("  shipment " + " ".join(filter(None, (parcel.carrier, parcel.tracking_number, parcel.status))))
    if (to := order.address) is not None:
        parts = (to.line1, to.line2, to.postcode, to.city, to.state, to.country)
        lines.append("  to " + ", ".join(part for part in parts if part))
    if order.cancel_reason:
        lines.append(f"  cancelled: {order.cancel_reason}")
    return "\n".join(lines)
