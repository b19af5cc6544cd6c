"""A reply as rich text: bubbles, cards as panels, buttons with numbers, sources. It prints nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bot.domain.message import Card, OutboundMessage


def render(message: OutboundMessage, *, first_button: int = 1, who: str = "") -> Group:
    """Everything of one bubble; `first_button` is the number of its first button."""
    speaker = who or ("shop" if message.sender == "assistant" else message.sender)
    parts: list[RenderableType] = [Text.assemble((f"{speaker} › ", "bold green"), message.text)]
    parts += [_card(card) for card in message.cards]
    parts += [Text(f"  [{source.number}] {source.title}" + (f": “{source.quote}”" if source.quote else ""), style="dim")
              for source in message.sources]
    if message.buttons:
        numbered = (f"[{n}] {button.title}" for n, button in enumerate(message.buttons, first_button))
        parts.append(Text("  " + "   ".join(numbered), style="cyan"))
    return Group(*parts)


def _card(card: Card) -> Panel:
    build = {"confirmation": _confirmation, "order": _order, "product": _product}.get(card.kind, _facts)
    table = Table.grid(padding=(0, 2))
    for row in build(card.data):
        table.add_row(*row)
    style = "cyan" if card.kind == "confirmation" else "dim"
    return Panel(table, title=Text(card.title), title_align="left", border_style=style, expand=False)


Rows = list[tuple[Text, Text]]


def _confirmation(data: Mapping[str, Any]) -> Rows:
    rows: Rows = []
    for operation in data.get("operations", ()):
        rows.append(_row(operation.get("kind", ""), operation.get("order_number", "")))
        rows += [_row(change.get("label"), f"{change.get('before', '')} → {change.get('after', '')}".strip(" →"))
                 for change in operation.get("changes", ())]
        rows += [_money(money) for money in operation.get("money", ())]
    return [*rows, _row("", data["totals"])] if data.get("totals") else rows


def _money(money: Mapping[str, Any]) -> tuple[Text, Text]:
    label = "you get back" if money.get("direction") == "refund" else "you pay"
    timing = f" ({money['timing']})" if money.get("timing") else ""
    return _row(label, f"{money.get('amount')} · {money.get('method', '')}{timing}")


def _order(data: Mapping[str, Any]) -> Rows:
    keys = ("status", "placed", "total", "address")
    rows = [_row(key, str(data[key]).replace("_", " ")) for key in keys if data.get(key)]
    parcel = ", ".join(str(data[key]) for key in ("carrier", "tracking", "eta") if data.get(key))
    rows += [_row("parcel", parcel)] if parcel else []
    for line in data.get("lines", ()):
        options = ", ".join(f"{k}: {v}" for k, v in (line.get("options") or {}).items())
        what = f"{line.get('title')}" + (f" ({options})" if options else "")
        rows.append(_row(f"{line.get('quantity', 1)} ×", f"{what}  {line.get('price', '')}"))
    return rows


def _product(data: Mapping[str, Any]) -> Rows:
    stock = [] if data.get("in_stock") is None else [_row("", "in stock" if data["in_stock"] else "out of stock")]
    return [_row(key, data[key]) for key in ("price", "brand", "options", "url") if data.get(key)] + stock


def _facts(data: Mapping[str, Any]) -> Rows:
    return [_row(key, value) for key, value in data.items() if value not in (None, "", [], {})]


def _row(label: Any, value: Any) -> tuple[Text, Text]:
    """Text, not markup: what stands in data must not style the terminal."""
    return Text(str(label).replace("_", " "), style="dim"), Text(_plain(value))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(_plain(item) for item in value)
    return str(value)
