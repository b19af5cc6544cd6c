"""How people type: slips of the finger, and the spelling of chats. Knows no meaning."""

from __future__ import annotations

import random
import re

_NEAR = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry", "u": "yi",
    "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}
_SHORT = (
    (r"\byou\b", "u"), (r"\byour\b", "ur"), (r"\bplease\b", "pls"), (r"\bbecause\b", "cuz"), (r"\bare\b", "r"),
    (r"\bdon't\b", "dont"), (r"\bcan't\b", "cant"), (r"\bI'm\b", "im"), (r"\bI've\b", "ive"), (r"\bdoesn't\b", "doesnt"),
    (r"\bwon't\b", "wont"), (r"\bthanks\b", "thx"), (r"\bgoing to\b", "gonna"), (r"\bwant to\b", "wanna"),
    (r"\bsomething\b", "smth"), (r"\bI'd\b", "id"), (r"\bisn't\b", "isnt"), (r"\bit's\b", "its"), (r"\bwhat's\b", "whats"),
    (r"\bwhere's\b", "wheres"), (r"\bfor\b", "4"), (r"\bto\b", "2"), (r"\band\b", "&"), (r"\bI don't know\b", "idk"),
    (r"\border\b", "ordr"), (r"\btomorrow\b", "tmrw"), (r"\bmy\b", "ma"), (r"\bwith\b", "w/"), (r"\babout\b", "abt"),
)  # fmt: skip


def shorten(text: str, rng: random.Random) -> str:
    """Some of its words as chats have them."""
    often = rng.choice([0.3, 0.6, 0.9])
    for found, written in _SHORT[:19] if rng.random() < 0.8 else _SHORT:
        if rng.random() < often:
            text = re.sub(found, written, text, flags=re.IGNORECASE)
    return text


def spoil(text: str, rng: random.Random) -> str:
    """One or two slips in its longer words; tags and numbers are left as they are."""
    for _ in range(rng.choice([1, 1, 2])):
        places = list(re.finditer(r"[a-z]{4,}", text))
        if not places:
            return text
        word = rng.choice(places)
        at = rng.randrange(word.start() + 1, word.end() - 1)
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:at] + text[at + 1 :]
        elif kind == 1:
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        elif kind == 2:
            text = text[:at] + text[at] + text[at:]
        else:
            text = text[:at] + rng.choice(_NEAR.get(text[at], text[at])) + text[at + 1 :]
    return text
