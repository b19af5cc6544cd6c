"""`shopclerk chat`: a conversation in the terminal, in the shop's own process."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bot.domain.message import Button, InboundMessage, OutboundMessage
from bot.domain.tracker import Mode
from bot.handoffs import PUSHED, lines, recent
from bot.terminal import render
from knowledge.errors import NotFound

POLL_S = 2.0
LEAVE = ("/quit", "/exit")
HINT = "Write to the shop's assistant. A number presses a button, /quit leaves."


async def run_chat(directory: Path, customer_id: str | None) -> None:
    """Talk until /quit or the end of input. Raises NotFound for a customer the shop does not have."""
    from bot.bootstrap import open_shop

    async with await open_shop(directory) as shop:
        if customer_id and await shop.book.customer(customer_id) is None:
            raise NotFound(f"no customer '{customer_id}' in {directory}")
        await Conversation(shop, Console(), customer_id).run()


class Conversation:
    """One conversation: what is typed goes to the inbox, what comes back (at once or later) is printed."""

    def __init__(self, shop: Any, console: Console, customer_id: str | None) -> None:
        self._shop, self._console, self._customer_id = shop, console, customer_id
        self._id = f"terminal-{secrets.token_hex(6)}"
        self._buttons: Sequence[Button] = ()
        self._seen, self._mode = 0, Mode.BOT

    async def run(self) -> None:
        self._console.print(HINT, style="dim")
        watching = asyncio.create_task(self._watch())
        try:
            while (text := await self._read()) is not None:
                if text:
                    await self.say(text)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _read(self) -> str | None:
        """What was typed; None at the end of input."""
        try:
            typed = await asyncio.to_thread(self._console.input, "[bold]you[/bold] › ")
        except EOFError:
            return None
        return None if typed.strip().lower() in LEAVE else typed.strip()

    async def say(self, typed: str) -> None:
        """One turn; a number that a button has is that button."""
        payload = self._pressed(typed)
        message = InboundMessage(self._id, payload or typed, f"{self._id}/{time.time_ns()}", "terminal",
                                 customer_id=self._customer_id, payload=payload)
        limit = self._shop.settings.limits.message_chars
        if len(typed) > limit:
            self._console.print(f"That has {len(typed)} characters; at most {limit} are allowed.", style="red")
            return
        with self._console.status("…"):
            replies = await self._shop.inbox.receive(message)
        self._buttons = [button for reply in replies for button in reply.buttons]
        self._print(replies)
        await self.catch_up()

    def _pressed(self, typed: str) -> str | None:
        if typed.startswith("/"):
            return typed
        chosen = int(typed) - 1 if typed.isdecimal() and len(typed) < 4 else -1
        return self._buttons[chosen].payload if 0 <= chosen < len(self._buttons) else None

    def _print(self, replies: Sequence[OutboundMessage]) -> None:
        number = 1
        for reply in replies:
            self._console.print(render(reply, first_button=number))
            number += len(reply.buttons)
        if not replies and self._mode != Mode.BOT:
            self._console.print("(a person has this conversation; the assistant listens only)", style="dim")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            await self.catch_up()

    async def catch_up(self) -> None:
        """Print what was said outside our turns, and who speaks now."""
        tracker = await self._shop.store.load(self._id)
        if tracker is None or tracker.seq <= self._seen:
            return
        later = [line for line in lines(await recent(self._shop.store, tracker)) if line.seq > self._seen]
        self._seen = tracker.seq
        self._announce(tracker.mode, tracker.agent)
        for line in later:
            if line.data.get(PUSHED):
                message = OutboundMessage(line.text, sender=line.sender)
                self._console.print(render(message, who=line.custom.get("agent", "")))

    def _announce(self, mode: Mode, agent: str) -> None:
        if mode == Mode.QUEUED and self._mode != Mode.QUEUED:
            self._console.print("— waiting for a person —", style="yellow")
        if mode == Mode.AGENT and self._mode != Mode.AGENT:
            self._console.print(f"— {agent or 'a person'} has joined —", style="yellow")
        self._mode = mode
