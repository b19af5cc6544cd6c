"""The terminal: what is typed, what is shown."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bot.chat import Conversation
from bot.domain.message import Button, Card, OutboundMessage, Source
from bot.terminal import render
from tests.fakes import FakeShop


class Terminal(Console):
    """Types `lines`, records what is printed."""

    def __init__(self, *lines: str) -> None:
        super().__init__(file=io.StringIO(), width=100, record=True)
        self._lines = iter(lines)

    def input(self, *args: object, **kwargs: object) -> str:
        try:
            return next(self._lines)
        except StopIteration:
            raise EOFError from None


async def test_a_number_presses_the_button_it_stands_before() -> None:
    terminal = Terminal("hi", "1", "7", "/quit", "never said")
    await Conversation(FakeShop(), terminal, "C7").run()
    shown = terminal.export_text()
    assert "heard: hi (C7)" in shown and "[1] Yes" in shown
    assert "heard: payload /affirm (C7)" in shown and "heard: 7 (C7)" in shown and "never said" not in shown


async def test_a_person_joins_speaks_and_leaves() -> None:
    shop, terminal = FakeShop(), Terminal()
    talk = Conversation(shop, terminal, None)
    await talk.say("human")
    (waiting,) = await shop.handoffs.waiting()
    await shop.handoffs.reply(waiting.tracker.conversation_id, "Mia here", "Mia")
    await talk.catch_up()
    await talk.catch_up()
    await talk.say("hello")
    await shop.handoffs.handback(waiting.tracker.conversation_id)
    await talk.catch_up()
    shown = terminal.export_text()
    assert shown.count("waiting for a person") == 1 and shown.count("Mia has joined") == 1
    assert shown.count("Mia › Mia here") == 1 and "listens only" in shown and "It's me again" in shown


async def test_too_long_a_message_is_not_sent() -> None:
    shop, terminal = FakeShop(), Terminal()
    await Conversation(shop, terminal, None).say("x" * 4001)
    assert "at most 4000" in terminal.export_text() and not shop.store._snapshots


@pytest.mark.parametrize(("card", "shown"), [
    (Card("confirmation", "Cancel #W1", {
        "operations": [{
            "kind": "cancel_order", "order_number": "#W1",
            "changes": [{"label": "status", "before": "pending", "after": "cancelled"}],
            "money": [{"direction": "refund", "amount": "$10.00", "method": "visa", "timing": "at once"}]}],
        "totals": "You get back $10.00 in total"}),
     ["Cancel #W1", "cancel order", "pending → cancelled", "$10.00 · visa (at once)", "in total"]),
    (Card("order", "#W1", {
        "status": "shipped", "lines": [{"title": "Lamp", "quantity": 2, "options": {"color": "red"}}],
        "carrier": "UPS", "tracking": "1Z"}),
     ["shipped", "2 ×", "Lamp (color: red)", "UPS, 1Z"]),
    (Card("product", "[bold]Trail[/bold]", {"price": "$9.90", "options": {"size": "42"}, "in_stock": False}),
     ["[bold]Trail[/bold]", "$9.90", "size: 42", "out of stock"]),
    (Card("case", "K-1", {"status": "open", "deadline": None, "facts": ["a", "b"]}), ["K-1", "open", "a"]),
])
def test_cards_show_their_data_as_plain_text(card: Card, shown: list[str]) -> None:
    terminal = Terminal()
    terminal.print(render(OutboundMessage("Look", (Button("A", "/a"), Button("B", "/b")), (card,),
                                          (Source(1, "d", "Returns", "document", "30 days"),)), first_button=3))
    text = terminal.export_text()
    for part in [*shown, "[1] Returns: “30 days”", "[3] A   [4] B"]:
        assert part in text


