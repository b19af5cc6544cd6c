"""What comes in is cleaned, what goes out is checked: control characters, length, links.

A flagged message still gets help within the flows; it never unlocks anything, because flows and the order service
alone decide what happens.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bot.domain.message import InboundMessage, OutboundMessage

_LINK = re.compile(r"\bhttps?://[^\s<>\"')\]]+|\bjavascript:[^\s]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Guard:
    """`link_hosts` are the hosts a reply may link to."""

    max_chars: int = 4000
    link_hosts: frozenset[str] = frozenset()

    def clean(self, message: InboundMessage) -> InboundMessage:
        """Unicode in composed form, without control and invisible direction characters, cut to `max_chars`."""
        text = unicodedata.normalize("NFKC", message.text[: self.max_chars])[: self.max_chars]
        kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
        return replace(message, text=kept.strip())

    def release(self, replies: Iterable[OutboundMessage]) -> tuple[OutboundMessage, ...]:
        """Replies without links to hosts that are not the shop's."""
        return tuple(replace(r, text=_LINK.sub(self._allowed, r.text)) for r in replies)

    def _allowed(self, match: re.Match[str]) -> str:
        try:
            host = urlsplit(match.group()).hostname or ""
        except ValueError:  # no URL at all, only looks like one
            return ""
        return match.group() if host in self.link_hosts else ""
