"""Short questions about the product somebody looks at: whether they name another one, and what of it they ask.

It reads words against a product's own options and attributes; it fetches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.requests.lexicon import Lexicon
from bot.requests.mentions import Mention
from bot.requests.values import option_values
from bot.requests.words import likeness, stem, words
from knowledge.models import Product

_SHORT = 6  # words: "any reviews?", "in black too?"


@dataclass(frozen=True, slots=True)
class AskedValue:
    """A value asked for in words the product itself does not use: "blue", with the values that come near it."""

    said: str
    option: str = ""
    near: tuple[str, ...] = ()


def only_points(
    text: str, mentions: Sequence[Mention], titles: Mapping[str, str], lexicon: Lexicon, looks: bool = False
) -> bool:
    """Whether "it" or "this" is meant, because no other thing is called by its noun. `looks`: at a product's page.

    "Does it come in blue?" is not about a Blue Paper Knife, "how heavy is it?" not about Heavy Socks.
    """
    short = len(text.split()) <= _SHORT
    points = lexicon.said(text, "reference") or (short and (looks or lexicon.said(text, "follow_up")))
    return points and not any(_by_its_noun(m, titles, lexicon) for m in mentions)


def _by_its_noun(mention: Mention, titles: Mapping[str, str], lexicon: Lexicon) -> bool:
    said = [w.stem for w in words(mention.head, lexicon.locale)]
    if len(said) > 1:
        return True
    nouns = {w[-1].stem for key in mention.keys if (w := words(titles.get(key, ""), lexicon.locale))}
    return any(likeness(s, noun) >= 0.8 for s in said for noun in nouns)


def asked_value(text: str, product: Product, lexicon: Lexicon) -> AskedValue | None:
    """The value after "in", "in size" …, where the product has none of that name; None when none is asked for."""
    found = re.search(rf"(?:{lexicon.pattern('asked_value').pattern})\s+(?P<value>[\w./-]+(?:\s[\w./-]+)?)\s*[?.!]*\s*$",
                      text, re.IGNORECASE)
    if found is None or found["value"].lower().split()[0] in lexicon.words("no_value"):
        return None
    said = " ".join(w for w in found["value"].lower().split() if w not in lexicon.words("value_fillers"))
    near: Sequence[str] = str(lexicon.data.get("color_families", {}).get(said, "")).split(", ")
    for option, values in option_values(product).items():
        if close := tuple(v for v in values if v.lower() in near):
            return AskedValue(said, option, close)
    return AskedValue(said)


def attribute_asked(text: str, product: Product, lexicon: Lexicon) -> str:
    """The name of the attribute that the words ask for, by itself or by what people call it; "" for none."""
    said = [w.stem for w in words(text, lexicon.locale)]
    names = {name: [w.stem for w in words(name.replace("_", " "), lexicon.locale)] for name in product.attributes}
    whole = [n for n, parts in names.items() if parts and all(any(likeness(s, p) >= 0.8 for s in said) for p in parts)]
    if whole:
        return whole[0]
    kin: Mapping[str, str] = lexicon.data.get("attribute_kin", {})
    for concept in lexicon.which(text, "attribute_words"):
        for wanted in (concept, *str(kin.get(concept, "")).split(", ")):
            part = stem(wanted, lexicon.locale)
            if name := next((n for n, parts in names.items() if n == wanted or part in parts), ""):
                return name
    return ""
