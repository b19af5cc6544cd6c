"""Which values of a product's options a text names, and where a value stands on its scale.

Spelling, synonyms and units; what is wished of a value (not, rather, bigger) is read in `wishes`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from bot.requests.lexicon import Lexicon
from bot.requests.words import Word, likeness, words
from knowledge.models import Product

_UNITS = {"tb": 1024.0, "l": 1000.0, "liter": 1000.0, "liters": 1000.0, "kg": 1000.0, "cl": 10.0}


@dataclass(frozen=True, slots=True)
class Hit:
    option: str
    value: str
    start: int
    end: int
    weight: float


def option_values(product: Product) -> dict[str, tuple[str, ...]]:
    """Every option of the product with its values, in the order the shop lists them."""
    values: dict[str, list[str]] = {}
    for variant in product.variants:
        for option, value in variant.options.items():
            if value not in values.setdefault(option, []):
                values[option].append(value)
    return {option: tuple(found) for option, found in values.items()}


def value_hits(text: str, product: Product, lexicon: Lexicon) -> list[Hit]:
    said = words(text, lexicon.locale)
    found: list[Hit] = []
    for option, values in option_values(product).items():
        if {v.lower() for v in values} <= lexicon.words("yes_words") | lexicon.words("no_words"):
            found += _boolean_hits(text, said, option, values, lexicon)
            continue
        for value in values:
            found += _value_hits(said, option, value, values, lexicon)
        found += _none_hits(said, option, values, lexicon)
    return _best_cover(found, said, option_values(product), lexicon)


def _value_hits(
    said: tuple[Word, ...], option: str, value: str, values: tuple[str, ...], lexicon: Lexicon
) -> list[Hit]:
    """All words of the value in a row, a synonym of it, or one word that only this value of the option has."""
    hits = []
    for form in _forms(value, lexicon):
        wanted = [w.stem for w in words(form, lexicon.locale)]
        for i in range(len(said) - len(wanted) + 1):
            pairs = zip(said[i : i + len(wanted)], wanted, strict=True)
            if wanted and all(
                w.stem == x
                or (likeness(w.stem, x) >= 0.8 and _same_size(w.stem, x) and w.text not in lexicon.words("stop"))
                for w, x in pairs
            ):
                hits.append(Hit(option, value, said[i].start, said[i + len(wanted) - 1].end, len(wanted) + 0.5))
    if hits:
        return hits
    own = {w.stem for w in words(value, lexicon.locale)}
    others = {w.stem for v in values if v != value for w in words(v, lexicon.locale)}
    special = {s for s in own - others if len(s) > 2 or any(c.isdigit() for c in s)} - lexicon.words("stop")
    units = option_words(option, lexicon)
    for word in said:
        if (
            word.stem in special
            and word.stem not in units
            and not (word.text.isdigit() and len(own) > 1 and not _followed_by_unit(said, word, own))
        ):
            hits.append(Hit(option, value, word.start, word.end, 1.0))
        elif len(word.stem) >= 4 and any(s.startswith(word.stem) and len(s) > len(word.stem) + 2 for s in special):
            hits.append(Hit(option, value, word.start, word.end, 0.6))
    return hits


def _same_size(said: str, meant: str) -> bool:
    """Guards short values: "s" is not "xs", and a compound's tail is no value."""
    return said == meant or (min(len(said), len(meant)) > 3 and abs(len(said) - len(meant)) <= 2)


def _followed_by_unit(said: tuple[Word, ...], word: Word, own: set[str]) -> bool:
    """ "15" of "15-inch" or of "size 15": a bare number counts only beside its unit, or where little else is said."""
    if len(said) <= 6:
        return True
    place = said.index(word)
    near = said[max(0, place - 2) : place + 3]
    return any(w.stem in own for w in near if w is not word) or len(own) == 1


def _forms(value: str, lexicon: Lexicon) -> list[str]:
    """The value as written, and as people say it."""
    plain = value.lower()
    forms = [plain]
    synonyms: dict[str, str] = lexicon.data.get("synonyms", {})
    for said, meant in synonyms.items():
        if str(meant).lower() == plain:
            forms.append(str(said).lower())
    tokens = plain.replace("-", " ").split()
    for i, token in enumerate(tokens):
        for said, meant in synonyms.items():
            if str(meant) == token and len(tokens) > 1:
                forms.append(" ".join([*tokens[:i], str(said), *tokens[i + 1 :]]))
    return forms


def _none_hits(said: tuple[Word, ...], option: str, values: tuple[str, ...], lexicon: Lexicon) -> list[Hit]:
    """ "no backlight", "without armrests" where the option has a value that means none."""
    none = next((v for v in values if v.lower() in lexicon.words("no_words")), None)
    if none is None:
        return []
    names = option_words(option, lexicon)
    return [
        Hit(option, none, before.start, word.end, 2.0)
        for before, word in pairwise(said)
        if word.stem in names and before.text in lexicon.words("no_words")
    ]


def _boolean_hits(
    text: str, said: tuple[Word, ...], option: str, values: tuple[str, ...], lexicon: Lexicon
) -> list[Hit]:
    """Options answered yes or no: naming the option means yes, negating it no."""
    yes = next((v for v in values if v.lower() in lexicon.words("yes_words")), None)
    no = next((v for v in values if v.lower() in lexicon.words("no_words")), None)
    hits = []
    forms = [option, *lexicon.data.get("option_synonyms", {}).get(option.lower(), ())]
    for i, names in ((i, [w.stem for w in words(form, lexicon.locale)]) for form in forms for i in range(len(said))):
        window = said[i : i + len(names)]
        if len(window) < len(names) or not all(
            likeness(w.stem, n) >= 0.8 or same_beginning(w.stem, n) for w, n in zip(window, names, strict=True)
        ):
            continue
        before = text[max(0, window[0].start - 12) : window[0].start].lower()
        negated = lexicon.pattern("negation").search(before) is not None or before.rstrip("- ").endswith("non")
        value = no if negated else yes
        if value is not None:
            hits.append(Hit(option, value, window[0].start, window[-1].end, 1.5))
    return hits


def same_beginning(said: str, name: str) -> bool:
    shared = min(len(said), len(name), 5)
    return shared >= 4 and said[:shared] == name[:shared]


def option_words(option: str, lexicon: Lexicon) -> set[str]:
    return {w.stem for w in words(option, lexicon.locale)}


def _best_cover(
    hits: list[Hit], said: tuple[Word, ...], values: dict[str, tuple[str, ...]], lexicon: Lexicon
) -> list[Hit]:
    """Where readings overlap, the longer wins; between two options the one whose name stands beside the word."""

    def near_name(hit: Hit) -> float:
        names = option_words(hit.option, lexicon)
        touching = [w for w in said if hit.end < w.start <= hit.end + 2 or w.end <= hit.start <= w.end + 2]
        close = [w for w in said if hit.start - 25 <= w.start <= hit.end + 20]
        beside = any(likeness(w.stem, n) >= 0.8 for w in touching for n in names)
        return 0.8 if beside else 0.3 if any(likeness(w.stem, n) >= 0.8 for w in close for n in names) else 0.0

    def rivals(hit: Hit) -> int:
        return len({h.option for h in hits if hit.start < h.end and h.start < hit.end})

    ranked = sorted(
        hits,
        key=lambda h: (
            -(h.weight + near_name(h)) if near_name(h) >= 0.8 or rivals(h) == 1 else -0.01 * h.weight,
            h.start,
        ),
    )
    kept: list[Hit] = []
    for hit in ranked:
        if any(hit.start < k.end and k.start < hit.end for k in kept):
            continue
        taken = {k.option for k in kept}
        others = [
            h for h in hits if (h.start, h.end) == (hit.start, hit.end) and h.option not in taken and h is not hit
        ]
        if hit.option in taken and rivals(hit) > 1 and others and near_name(hit) < 0.8:
            hit = max(others, key=near_name)
        kept.append(hit)
    return sorted(kept, key=lambda h: h.start)


def magnitude(value: str, values: tuple[str, ...], lexicon: Lexicon) -> float | None:
    """Where a value stands among its option's values: its place in the scale they share, else its number in one unit."""
    lower = value.lower()
    scale = next(
        (
            x
            for x in lexicon.data.get("scales", [])
            if lower in x and sum(v.lower() in x for v in values) >= len(values) - 1
        ),
        None,
    )
    if scale is not None:
        return float(scale.index(lower))
    match = re.search(r"\d+(?:\.\d+)?", lower)
    if not match:
        return None
    unit = re.match(r"[a-z]*", lower[match.end() :].strip(" -"))
    return float(match.group()) * _UNITS.get(unit.group() if unit else "", 1.0)
