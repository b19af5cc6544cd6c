"""`shopclerk search` and `shopclerk evaluate retrieval`: how they are called and how their results are printed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from knowledge.commands import subcommand
from knowledge.folder import DEFAULT_DIR

if TYPE_CHECKING:
    from knowledge.models import Evidence, Product
    from knowledge.ports import Constraints

KINDS = ("product", "document", "review", "case", "answer")


def commands(app: typer.Typer, services: Any) -> None:
    """Register `search` and `evaluate retrieval`."""
    app.command(name="search")(search)
    subcommand(app, "evaluate").command(name="retrieval")(retrieval)


def search(
    query: str = typer.Argument(..., help='What to look for, for instance "trail shoes under 120 in size 42".'),
    directory: Path = typer.Option(DEFAULT_DIR, "--dir", help="The shop's folder.", show_default=str(DEFAULT_DIR)),
    kind: str = typer.Option("", "--kind",
                             help=f"{', '.join(KINDS)}; left out: products, documents if nothing is demanded."),
    limit: int = typer.Option(10, "--limit", min=1, max=200, help="How many results."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Search the shop as the assistant does; price and stock are read from the database now."""
    from knowledge.errors import BadInput

    if kind and kind not in KINDS:
        raise BadInput(f"--kind: '{kind}' is not known (use one of {', '.join(KINDS)})")
    found = asyncio.run(_search(directory, query, kind, limit))
    print(json.dumps(found, ensure_ascii=False) if as_json else _as_text(found))


def retrieval(
    data: Path = typer.Option(..., "--data", help="A BEIR folder: corpus.jsonl, queries.jsonl, qrels/test.tsv."),
    judged_only: bool = typer.Option(False, "--judged-only", help="Each query ranks only the documents judged for it."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
    predictions: Path | None = typer.Option(None, "--predictions", help="Write one JSON line per query: id, items."),
) -> None:
    """nDCG@10, MRR@10, recall@100 and what was judged; MAP and nDCG@10 with --judged-only."""
    from knowledge.evaluate import evaluate

    result = evaluate(data, judged_only=judged_only, predictions=predictions, progress=_say_progress)
    if as_json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {number}" for key, number in value.items())
        print(f"{name:15} {value}")


def _say_progress(done: int, total: int) -> None:
    print(f"\rembedding {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


async def _search(directory: Path, query: str, kind: str, limit: int) -> dict[str, Any]:
    from knowledge.config import load_knowledge_settings
    from knowledge.index_build import load_search
    from knowledge.models import EvidenceKind
    from knowledge.store import open_knowledge

    settings = load_knowledge_settings(directory)
    knowledge = await open_knowledge(directory, settings, create=False)
    try:
        bundle = load_search(directory, settings, knowledge.catalogue)
        parsed = bundle.search.understand(query)
        kinds = (EvidenceKind(kind),) if kind else (EvidenceKind.PRODUCT, EvidenceKind.DOCUMENT)
        if not kind and not parsed.constraints.empty:
            kinds = (EvidenceKind.PRODUCT,)   # only products have prices, options and stock
        found = await bundle.search.search(query, kinds=kinds, limit=limit)
        ids = [evidence.ref for evidence in found if evidence.kind is EvidenceKind.PRODUCT]
        products = {product.id: product for product in await knowledge.catalogue.products(ids)}
    finally:
        await knowledge.close()
    results = [_row(evidence, products.get(evidence.ref)) for evidence in found]
    return {"query": query, "constraints": _constraints(parsed.constraints), "results": results}


def _row(evidence: Evidence, product: Product | None) -> dict[str, Any]:
    row: dict[str, Any] = {"id": evidence.ref or evidence.id, "evidence_id": evidence.id, "kind": evidence.kind.value,
                           "title": evidence.title, "score": round(evidence.score, 4), "text": evidence.text,
                           "source": evidence.source, "url": evidence.url, "headings": list(evidence.headings)}
    if product:
        fitting = set(evidence.data.get("variant_ids") or [variant.id for variant in product.variants])
        row["currency"] = product.currency
        row["brand"], row["category"] = product.brand, list(product.category)
        row["variants"] = [
            {"id": v.id, "sku": v.sku, "options": dict(v.options), "price": str(v.price), "stock": v.stock}
            for v in product.variants if v.id in fitting]
    return row


def _constraints(constraints: Constraints) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("min_price", "max_price"):
        if (value := getattr(constraints, name)) is not None:
            found[name] = str(value)
    for name in ("categories", "brands", "excluded"):
        if value := getattr(constraints, name):
            found[name] = list(value)
    if constraints.options:
        found["options"] = [{"option": option, "value": value} for option, value in constraints.options]
    if constraints.in_stock:
        found["in_stock"] = True
    return found


def _as_text(found: dict[str, Any]) -> str:
    lines = []
    if found["constraints"]:
        lines.append(f"understood: {json.dumps(found['constraints'], ensure_ascii=False)}")
    for rank, row in enumerate(found["results"], start=1):
        lines.append(f"{rank:3}. {row['title']}  [{row['id']}]  {row['score']:.3f}")
        lines += [f"       {_variant_text(variant, row['currency'])}" for variant in row.get("variants", [])[:3]]
        if row["kind"] != "product":
            lines.append(f"       {row['text'][:160].strip()}")
    return "\n".join(lines) if found["results"] else "\n".join([*lines, "nothing found"])


def _variant_text(variant: dict[str, Any], currency: str) -> str:
    stock = "in stock" if variant["stock"] is None or variant["stock"] > 0 else "sold out"
    return f"{', '.join(variant['options'].values())}  {variant['price']} {currency}, {stock}".strip()
