"""What a pressed button means: "/affirm", "/order #W1", "/variant V2" … are commands, never read as words."""

from __future__ import annotations

from bot.domain import commands as cmd

_ENTRIES = ("order", "pick", "variant", "method", "reason", "address", "remedy", "everything", "leave", "either")


def read_payload(payload: str) -> tuple[cmd.Command, ...]:
    """An unknown payload is CannotHandle; it starts nothing."""
    name, _, value = payload.strip().removeprefix("/").partition(" ")
    value = value.strip()
    if name == "affirm":
        return (cmd.Affirm(),)
    if name == "deny":
        return (cmd.Deny(),)
    if name == "handoff":
        return (cmd.HumanHandoff("asked for a person"),)
    if name == "start" and value:
        return (cmd.StartFlow(value),)
    if name == "remedy":
        return (cmd.AmendRequest("set", {"text": "case", "asked": "remedy"}),)
    if name in _ENTRIES:
        return (cmd.AmendRequest("set", {name: value}),)
    return (cmd.CannotHandle("unclear"),)
