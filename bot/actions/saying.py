"""Facts as people read them: money, orders, lines, cards. Texts around them stand in the responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.requests.addresses import address_text
from bot.requests.desk import Desk
from knowledge.models import Order, OrderLine, Product
from knowledge.orders.money import money_text
from knowledge.orders.operations import Quote
from knowledge.orders.proposal import Proposal

__all__ = [
    "address_text",
    "day_text",
    "line_text",
    "lines_text",
    "money_text",
    "net_words",
    "order_card",
    "order_text",
    "product_card",
    "proposal_card",
    "proposal_text",
    "totals_text",
]


def line_text(line: OrderLine, currency: str) -> str:
    options = ", ".join(line.options.values())
    count = f"{line.quantity} × " if line.quantity > 1 else ""
    return f"{count}{line.title}" + (f" ({options})" if options else "") + f", {money_text(line.unit_price, currency)}"


def lines_text(lines: Iterable[OrderLine], currency: str) -> str:
    return "\n".join(f"• {line_text(line, currency)}" for line in lines)


def day_text(moment: datetime | date | str | None) -> str:
    """ "12 November 2026"; "" when unknown."""
    if moment is None or moment == "":
        return ""
    if isinstance(moment, str):
        try:
            day: date = datetime.fromisoformat(moment.replace("Z", "+00:00"))
        except ValueError:
            return moment
        return f"{day.day} {day:%B %Y}"
    return f"{moment.day} {moment:%B %Y}"


def order_text(order: Order) -> str:
    """ "#W1 (pending, placed 2 May 2026): Lamp, Chair"."""
    placed = f", placed {day_text(order.placed_at)}" if order.placed_at else ""
    return f"{order.number} ({order.status.value.replace('_', ' ')}{placed}): {', '.join(line.title for line in order.lines)}"


def order_card(order: Order, desk: Desk | None = None) -> dict[str, Any]:
    """An order as a card; live data only."""
    shipped = next((f for f in order.fulfillments if f.tracking_number), None)
    return {
        "kind": "order",
        "title": order.number,
        "data": {
            "number": order.number,
            "status": order.status.value,
            "placed": day_text(order.placed_at),
            "total": money_text(order.total, order.currency),
            "address": address_text(order.address),
            "tracking": shipped.tracking_number if shipped else "",
            "carrier": (shipped.carrier or "") if shipped else "",
            "eta": day_text(shipped.eta) if shipped else "",
            "lines": [
                {
                    "title": x.title,
                    "options": dict(x.options),
                    "quantity": x.quantity,
                    "price": money_text(x.unit_price, order.currency),
                }
                for x in order.lines
            ],
        },
    }


def product_card(product: Product, variant_id: str | None = None) -> dict[str, Any]:
    prices = sorted(v.price for v in product.variants)
    chosen = product.variant(variant_id) if variant_id else None
    price = money_text(chosen.price if chosen else prices[0], product.currency) if prices else ""
    return {
        "kind": "product",
        "title": product.title,
        "data": {
            "id": product.id,
            "price": price if chosen or prices[0] == prices[-1] else f"from {price}",
            "brand": product.brand or "",
            "image": product.image_url or "",
            "url": product.url or "",
            "in_stock": any(v.available for v in product.variants),
            "options": dict(chosen.options) if chosen else {},
        },
    }


# --- what is to be confirmed -----------------------------------------------------------------------------------------


def proposal_card(proposal: Proposal) -> dict[str, Any]:
    return {
        "kind": "confirmation",
        "title": ", ".join(dict.fromkeys(q.order_number for q in proposal.quotes if q.order_number)),
        "data": {
            "digest": proposal.digest,
            "operations": [_quote_data(q) for q in proposal.quotes],
            "totals": totals_text(proposal.quotes),
        },
    }


def _quote_data(quote: Quote) -> dict[str, Any]:
    return {
        "kind": quote.kind,
        "order_number": quote.order_number,
        "changes": [{"label": c.label, "before": c.before, "after": c.after} for c in quote.changes],
        "money": [
            {
                "direction": m.direction,
                "amount": money_text(m.amount, m.currency),
                "method": m.method_label,
                "timing": m.timing,
            }
            for m in quote.money
        ],
    }


def proposal_text(proposal: Proposal, names: Mapping[str, str]) -> str:
    """The card in words, a block per operation. `names`: operation kind → what a customer calls it."""
    blocks = []
    for quote in proposal.quotes:
        head = names.get(quote.kind, quote.kind.replace("_", " ")) + (
            f", order {quote.order_number}" if quote.order_number else ""
        )
        rows = [
            f"• {c.label}: {c.before} → {c.after}" if c.before and c.after else f"• {c.label}: {c.after or c.before}"
            for c in quote.changes
        ]
        rows += [
            f"• {money_words(m.direction)}: {money_text(m.amount, m.currency)}, {m.method_label} ({m.timing})"
            for m in quote.money
        ]
        blocks.append("\n".join([head, *rows]))
    return "\n\n".join(blocks)


def money_words(direction: str) -> str:
    return "You get back" if direction == "refund" else "You pay"


def totals_text(quotes: Sequence[Quote]) -> str:
    """ "You get back $54.04" over several operations; "" when there is at most one amount."""
    sums: dict[str, Decimal] = {}
    amounts = [m for q in quotes if q.kind != "change_payment" for m in q.money]
    for m in amounts:
        sums[m.currency] = sums.get(m.currency, Decimal(0)) + (m.amount if m.direction == "refund" else -m.amount)
    if len(amounts) < 2:
        return ""
    return ", ".join(
        f"{money_words('refund' if total >= 0 else 'charge')} {money_text(abs(total), c)} in total"
        for c, total in sums.items()
    )


def net_words(quotes: Sequence[Quote]) -> str:
    """What all of it comes to: "you get back $54.04"; "no money moves" where none does."""
    sums: dict[str, Decimal] = {}
    for m in (m for q in quotes for m in q.money):
        sums[m.currency] = sums.get(m.currency, Decimal(0)) + (m.amount if m.direction == "refund" else -m.amount)
    parts = [
        f"{money_words('refund' if total >= 0 else 'charge')} {money_text(abs(total), c)}" for c, total in sums.items()
    ]
    return ", ".join(p[0].lower() + p[1:] for p in parts) or "no money moves"
