"""Values that fill phrasings of what customers say: things, sizes, people, days; and titles a shop would give the things.

It knows nothing of acts.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from training.corpus import goods, people
from training.corpus.pools import data, pattern
from training.corpus.shops import draw_shop, money, order_number

_SLOT = re.compile(r"\{(\w+)\}")
_SHOPS = 40


@dataclass(frozen=True, slots=True)
class Filled:
    """`titles`: of the things named, as a shop has them."""

    text: str
    titles: list[str] = field(default_factory=list)


class Values:
    """Draws values of one language."""

    def __init__(self, rng: random.Random, language: str) -> None:
        self.rng, self.language = rng, language
        self._pool: dict[str, list[Any]] = data(language, "understand/slots")
        self._shops = [draw_shop(rng, language) for _ in range(_SHOPS)]
        self._shop = self._shops[0]

    def fill(self, text: str) -> Filled:
        """The text with its slots filled."""
        self._shop = self.rng.choice(self._shops)
        titles: list[str] = []
        color = str(self.rng.choice(self._pool["color"]))
        thing = ""

        def value(match: re.Match[str]) -> str:
            nonlocal thing
            name = match[1]
            if name == "item":
                thing = str(self.rng.choice(self._pool["item"]))
                titles.append(self.title(thing))
                return thing
            if name == "color" and re.match(r" (?:one|version)", text[match.end() :]):
                titles.append(self.title(str(self.rng.choice(self._pool["item"])), color))
                return color
            if name == "use" and re.search(r"(?:thing|stuff) for $", text[: match.start()]) and "uses" in self._pool:
                use = self.rng.choice(self._pool["uses"])
                titles.append(self.title(str(self.rng.choice(use["items"]))))
                return str(use["said"])
            return self._value(name)

        return Filled(_SLOT.sub(value, text), titles)

    def title(self, thing: str, color: str = "") -> str:
        """ "Velmo Trail Boots, black": some maker's thing."""
        brand = goods.brand(self.rng, self.language)
        said = thing.title() if self.rng.random() < 0.6 else thing
        shade = color or (str(self.rng.choice(self._pool["color"])) if self.rng.random() < 0.3 else "")
        ways = [f"{brand} {said}", f"{said} {goods.model(self.rng, self.language)}", f"{said} by {brand}", said]
        title = self.rng.choice(ways)
        return self.rng.choice([f"{title}, {shade}", f"{title} ({shade})", f"{shade} {title}"]) if shade else title

    def other(self, titles: Collection[str]) -> str:
        """A title of something else."""
        for _ in range(5):
            thing = str(self.rng.choice(self._pool["item"]))
            if not any(thing.lower() in title.lower() for title in titles):
                return self.title(thing)
        return self.title("gift box")

    def named(self, title: str, clause: str) -> bool:
        """Whether some word of the clause is a word of the title."""
        words = set(re.findall(r"[^\W\d_]{3,}", title.lower()))
        return any(w in words for w in re.findall(r"[^\W\d_]{3,}", clause.lower()))

    def _value(self, name: str) -> str:
        if name in self._pool:
            return str(self.rng.choice(self._pool[name]))
        shop, rng = self._shop, self.rng
        if name == "order":
            number = order_number(rng, shop)
            return number if rng.random() < 0.7 else number.lstrip("#").lower()
        if name == "money":
            return money(rng, shop)
        if name == "address":
            return people.address(rng, self.language)
        first, last = people.person(rng, self.language)
        if name == "name":
            return f"{first} {last}" if rng.random() < 0.9 else first
        if name in ("first", "last"):
            return first if name == "first" else last
        if name == "email":
            return people.email(rng, first, last, self.language)
        if name == "postcode":
            return pattern(rng.choice(["#####", "#####", "@## #@@", "@@# #@@", "#### @@"]), rng)
        if name == "digits":
            return pattern(rng.choice(["####", "##", "#"]), rng)
        if name == "user":
            return f"{first}_{last}_{pattern('####', rng)}".lower().replace(" ", "_")
        raise ValueError(f"no value for {{{name}}}")
