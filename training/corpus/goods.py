"""Invented goods: brands, model names, titles from one word to fourteen, options with their values. Knows no prices."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from training.corpus.pools import data, pattern, pick, some

_LONGEST = 14  # words of a title


def brand(rng: random.Random, language: str = "en") -> str:
    """An invented maker: syllables, surnames, compounds, capitals, accents."""
    pool = data(language, "facts/brands")
    made: list[Callable[[], str]] = [
        lambda: _syllables(rng, pool),
        lambda: _syllables(rng, pool),
        lambda: _syllables(rng, pool),
        lambda: f"{_syllables(rng, pool)} {rng.choice(pool['tags'])}",
        lambda: _syllables(rng, pool).upper(),
        lambda: rng.choice(pool["qualities"]) + rng.choice(pool["nouns"]).lower(),
        lambda: f"{rng.choice(pool['qualities'])} {rng.choice(pool['nouns'])}",
        lambda: f"{rng.choice(pool['nouns'])} & {rng.choice(pool['nouns'])}",
        lambda: f"{rng.choice(pool['surnames'])} {rng.choice(pool['tags'])}",
        lambda: f"{rng.choice('ABCDEGHJKLMRST')}.{rng.choice('BCDFHJLMPW')}. {rng.choice(pool['surnames'])}",
        lambda: rng.choice(pool["starts"]) + rng.choice(["Tek", "Lab", "Go", "Fit", "One", "Pro", "Zen", "Craft"]),
        lambda: rng.choice(pool["accented"]),
    ]
    return rng.choice(made)()


def _syllables(rng: random.Random, pool: Mapping[str, Any]) -> str:
    middle = rng.choice(pool["middles"]) if rng.random() < 0.5 else ""
    return str(rng.choice(pool["starts"]) + middle + rng.choice(pool["ends"]))


def model(rng: random.Random, language: str = "en") -> str:
    """ "Ridgeline 2", "XR-210", "Velmo"."""
    pool = data(language, "facts/brands")
    kind = rng.random()
    if kind < 0.3:
        return pattern(rng.choice(["@@-###", "@###", "@@####@", "###", "@#", "@-##", "####@@"]), rng)
    name = _syllables(rng, pool) if kind < 0.6 else str(rng.choice(pool["models"]))
    return f"{name} {rng.choice(pool['series'])}" if rng.random() < 0.4 else name


def title(rng: random.Random, trade: str, brands: tuple[str, ...], language: str = "en", case: str = "as is") -> str:
    """A product's name as shops write them, in the trade's words."""
    words = data(language, "facts/trades")[trade]
    noun, first = pick(rng, words["nouns"]), pick(rng, words["first"])
    maker, name = rng.choice(brands), model(rng, language)
    extra = [pick(rng, words["tails"]) for _ in range(3)]
    if "titles" in words and rng.random() < 0.7:
        written = pick(rng, words["titles"]).replace(" :", ":")
        text = rng.choice([written, written, f"{written} ({extra[0]})", f"{written}: {extra[0]}"])
    else:
        text = rng.choices(
            [noun, f"{first} {noun}", f"{maker} {noun}", f"{name} {noun}", f"{maker} {name}", f"{maker} {name} {noun}",
             f"{noun} {extra[0]}", f"{noun}, {extra[0]}", f"{maker} {first} {noun} {extra[0]}", f'{noun} "{name}"',
             f"{maker} {name} {first} {noun} {extra[0]}, {extra[1]}", f"{noun} – {extra[0]} – {maker}",
             f"{maker}® {name} {noun} ({extra[0]})", f"{maker} {name} {first} {noun} {extra[0]} {extra[1]} - {extra[2]}",
             f"{noun} {name}", name],
            [12, 9, 9, 7, 6, 9, 6, 5, 6, 2, 5, 3, 2, 3, 4, 3])[0]
    text = " ".join(text.split()[:_LONGEST]).rstrip(" ,-–(")
    text += ")" if text.count("(") > text.count(")") else ""
    return {"lower": text.lower(), "upper": text.upper()}.get(case, text)


def option_set(rng: random.Random, trade: str, language: str = "en") -> dict[str, tuple[str, ...]]:
    """What the variants of one product differ in: option → the values there are; none at all now and then."""
    pool = data(language, "facts/trades")[trade]["options"]
    names = some(rng, list(pool), 0 if rng.random() < 0.1 else 1, 3)
    return {name: tuple(str(v) for v in some(rng, pool[name], 2, 5)) for name in sorted(names, key=list(pool).index)}


def attributes(rng: random.Random, trade: str, language: str = "en", most: int = 5) -> dict[str, str]:
    pool = data(language, "facts/trades")[trade]["attributes"]
    return {name: str(rng.choice(pool[name])) for name in some(rng, list(pool), 1, most)}


def description(rng: random.Random, language: str = "en") -> str:
    return " ".join(pick(rng, [d]) for d in some(rng, data(language, "facts/texts")["descriptions"], 1, 4))
