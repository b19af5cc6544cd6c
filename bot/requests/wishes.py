"""What a customer's words ask of a product's variants.

A wish is read against the product it is about, so that "clicky", "a size up" or "not the leather one" mean what its
own options say. It chooses nothing: `variants` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from bot.requests.lexicon import Lexicon, pattern_of
from bot.requests.words import Word, likeness, stem, words
from knowledge.models import Product, Variant


@dataclass(frozen=True, slots=True)
class Step:
    """Up or down an option's scale: `direction` ±1; `amount` in the option's own unit; `far`: to the end of it."""

    option: str
    direction: int
    amount: float | None = None
    far: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)  # option → wanted values, best first
    without: dict[str, tuple[str, ...]] = field(default_factory=dict)  # option → values not wanted
    prefer: dict[str, tuple[str, ...]] = field(default_factory=dict)  # nice to have, best first
    free: frozenset[str] = frozenset()  # options that may change
    steps: tuple[Step, ...] = ()
    fixed: frozenset[str] = frozenset()  # options that must stay as they are
    price: str = ""  # "cheapest" | "most_expensive" | "cheaper" | "dearer"
    keep: bool = False  # everything not named stays as it is
    loose: bool = False  # everything not named may change
    show: bool = False  # wants to see what there is
    variant: str = ""  # named by id or SKU
    else_nothing: bool = False  # when it cannot be had, no swap at all
    otherwise: Wish | None = None  # when this one cannot be had

    @property
    def empty(self) -> bool:
        return self.bare and not self.keep

    @property
    def bare(self) -> bool:
        """Names nothing that another variant would have to be."""
        return not (self.options or self.without or self.prefer or self.steps or self.price or self.variant)


@dataclass(frozen=True, slots=True)
class _Hit:
    option: str
    value: str
    start: int
    end: int
    weight: float


_AMOUNT = re.compile(
    r"(?<![\d,])(?P<number>\d[\d,]{0,11}(?:\.\d{1,4})?)\s+(?:(?P<after>more|fewer|less|extra|higher|lower|additional)\s+\w+"
    r"|\w+\s+(?P<before>more|fewer|less|extra|higher|lower|bigger|larger|smaller|longer|shorter))",
    re.IGNORECASE,
)
_AMOUNT_START = re.compile(r"\S+")
_UNITS = {"tb": 1024.0, "l": 1000.0, "liter": 1000.0, "liters": 1000.0, "kg": 1000.0, "cl": 10.0}


def read_wish(text: str, product: Product, lexicon: Lexicon) -> Wish:
    """The wish in `text` about `product`; an empty one when the words name none of its options."""
    main, fallback = _split_otherwise(text, lexicon)
    wish = _read_clause(main, product, lexicon)
    if fallback and lexicon.said(fallback, "leave_it") and not _read_clause(fallback, product, lexicon).options:
        return replace(wish, else_nothing=True)
    if fallback:
        second = _read_clause(fallback, product, lexicon)
        if not second.empty:
            other = read_wish(fallback, product, lexicon) if _split_otherwise(fallback, lexicon)[1] else second
            wish = _with_otherwise(wish, other)
    return wish


def _with_otherwise(wish: Wish, other: Wish) -> Wish:
    """The fallback keeps what the main wish asks for, where it says nothing else itself."""
    merged = Wish(
        options={**wish.options, **other.options},
        without=other.without,
        prefer={**wish.prefer, **other.prefer},
        free=wish.free | other.free,
        fixed=wish.fixed - set(other.options),
        steps=other.steps or tuple(s for s in wish.steps if s.option not in other.options),
        price=other.price or wish.price,
        keep=wish.keep,
        loose=wish.loose or other.loose,
        show=wish.show or other.show,
        variant=other.variant,
        else_nothing=other.else_nothing,
        otherwise=other.otherwise,
    )
    return replace(wish, otherwise=merged)


def _split_otherwise(text: str, lexicon: Lexicon) -> tuple[str, str]:
    """At "if not possible, …": what is wanted, and what else would do.

    "If there is no clicky one with RGB in full size, I'd take no backlight": the condition names the wish again, so it
    stays with the main part, and the fallback begins at "I'd".
    """
    match = lexicon.pattern("otherwise").search(text)
    if not match or match.start() == 0:
        return text, ""
    preferring = lexicon.pattern("prefer").search(text, max(0, match.start() - 1))
    if preferring and preferring.start() <= match.start() < preferring.end():
        return text, ""
    rest = text[match.end() :]
    consequence = lexicon.pattern("consequence").search(rest.split(".")[0])
    if consequence and lexicon.said(match.group(), "condition"):
        condition = match.group() + rest[: consequence.start()]
        described = lexicon.pattern("condition").sub(" ", condition)
        return f"{text[: match.start()]}, {described}", rest[consequence.end() :]
    return text[: match.start()], rest.lstrip(" ,;:")


def _read_clause(text: str, product: Product, lexicon: Lexicon) -> Wish:
    named = next((v.id for v in product.variants if v.id in text or (v.sku and v.sku in text)), "")
    steps, text = _counted_steps(text, product, lexicon)
    hits = _hits(text, product, lexicon)
    options: dict[str, tuple[str, ...]] = {}
    without: dict[str, tuple[str, ...]] = {}
    prefer: dict[str, tuple[str, ...]] = {}
    for hit in hits:
        if _preferred(text, hit, lexicon):
            _add(prefer, hit)
        elif _negated(text, hit, lexicon):
            _add(without, hit)
        else:
            _add(options, hit)
    free = frozenset(_free_options(text, product, lexicon))
    fixed = frozenset(_fixed_options(text, product, lexicon)) - set(options)
    for option in free:
        options.pop(option, None)
    return Wish(
        options,
        without,
        prefer,
        free,
        (*steps, *_steps(text, product, lexicon, options, {s.option for s in steps})),
        fixed,
        _price(text, lexicon),
        lexicon.said(text, "same"),
        lexicon.said(text, "no_matter") and not free,
        lexicon.said(text, "show"),
        named,
    )


def _add(to: dict[str, tuple[str, ...]], hit: _Hit) -> None:
    if hit.value not in to.get(hit.option, ()):
        to[hit.option] = (*to.get(hit.option, ()), hit.value)


def _price(text: str, lexicon: Lexicon) -> str:
    for key in ("cheapest", "most_expensive", "cheaper", "dearer"):
        if lexicon.said(text, key):
            return key
    return ""


# --- values said -----------------------------------------------------------------------------------------------------


def option_values(product: Product) -> dict[str, tuple[str, ...]]:
    """Every option of the product with its values, in the order the shop lists them."""
    values: dict[str, list[str]] = {}
    for variant in product.variants:
        for option, value in variant.options.items():
            if value not in values.setdefault(option, []):
                values[option].append(value)
    return {option: tuple(found) for option, found in values.items()}


def _hits(text: str, product: Product, lexicon: Lexicon) -> list[_Hit]:
    said = words(text, lexicon.locale)
    found: list[_Hit] = []
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
) -> list[_Hit]:
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
                hits.append(_Hit(option, value, said[i].start, said[i + len(wanted) - 1].end, len(wanted) + 0.5))
    if hits:
        return hits
    own = {w.stem for w in words(value, lexicon.locale)}
    others = {w.stem for v in values if v != value for w in words(v, lexicon.locale)}
    special = {s for s in own - others if len(s) > 2 or any(c.isdigit() for c in s)} - lexicon.words("stop")
    units = _option_words(option, lexicon)
    for word in said:
        if (
            word.stem in special
            and word.stem not in units
            and not (word.text.isdigit() and len(own) > 1 and not _followed_by_unit(said, word, own))
        ):
            hits.append(_Hit(option, value, word.start, word.end, 1.0))
        elif len(word.stem) >= 4 and any(s.startswith(word.stem) and len(s) > len(word.stem) + 2 for s in special):
            hits.append(_Hit(option, value, word.start, word.end, 0.6))
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


def _none_hits(said: tuple[Word, ...], option: str, values: tuple[str, ...], lexicon: Lexicon) -> list[_Hit]:
    """ "no backlight", "without armrests" where the option has a value that means none."""
    none = next((v for v in values if v.lower() in lexicon.words("no_words")), None)
    if none is None:
        return []
    names = _option_words(option, lexicon)
    return [
        _Hit(option, none, before.start, word.end, 2.0)
        for before, word in zip(said, said[1:], strict=False)
        if word.stem in names and before.text in lexicon.words("no_words")
    ]


def _boolean_hits(
    text: str, said: tuple[Word, ...], option: str, values: tuple[str, ...], lexicon: Lexicon
) -> list[_Hit]:
    """Options answered yes or no: naming the option means yes, negating it no."""
    yes = next((v for v in values if v.lower() in lexicon.words("yes_words")), None)
    no = next((v for v in values if v.lower() in lexicon.words("no_words")), None)
    hits = []
    forms = [option, *lexicon.data.get("option_synonyms", {}).get(option.lower(), ())]
    for i, names in ((i, [w.stem for w in words(form, lexicon.locale)]) for form in forms for i in range(len(said))):
        window = said[i : i + len(names)]
        if len(window) < len(names) or not all(
            likeness(w.stem, n) >= 0.8 or _prefix(w.stem, n) for w, n in zip(window, names, strict=True)
        ):
            continue
        before = text[max(0, window[0].start - 12) : window[0].start].lower()
        negated = lexicon.pattern("negation").search(before) is not None or before.rstrip("- ").endswith("non")
        value = no if negated else yes
        if value is not None:
            hits.append(_Hit(option, value, window[0].start, window[-1].end, 1.5))
    return hits


def _prefix(said: str, name: str) -> bool:
    shared = min(len(said), len(name), 5)
    return shared >= 4 and said[:shared] == name[:shared]


def _option_words(option: str, lexicon: Lexicon) -> set[str]:
    return {stem(w.text, lexicon.locale) for w in words(option, lexicon.locale)}


def _best_cover(
    hits: list[_Hit], said: tuple[Word, ...], values: dict[str, tuple[str, ...]], lexicon: Lexicon
) -> list[_Hit]:
    """Where readings overlap, the longer wins; between two options the one whose name stands beside the word."""

    def near_name(hit: _Hit) -> float:
        names = _option_words(hit.option, lexicon)
        touching = [w for w in said if hit.end < w.start <= hit.end + 2 or w.end <= hit.start <= w.end + 2]
        close = [w for w in said if hit.start - 25 <= w.start <= hit.end + 20]
        beside = any(likeness(w.stem, n) >= 0.8 for w in touching for n in names)
        return 0.8 if beside else 0.3 if any(likeness(w.stem, n) >= 0.8 for w in close for n in names) else 0.0

    def rivals(hit: _Hit) -> int:
        return len({h.option for h in hits if hit.start < h.end and h.start < hit.end})

    ranked = sorted(
        hits,
        key=lambda h: (
            -(h.weight + near_name(h)) if near_name(h) >= 0.8 or rivals(h) == 1 else -0.01 * h.weight,
            h.start,
        ),
    )
    kept: list[_Hit] = []
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


# --- how it is meant -------------------------------------------------------------------------------------------------


def _negated(text: str, hit: _Hit, lexicon: Lexicon) -> bool:
    if hit.value.lower() in lexicon.words("no_words"):
        return False
    before = re.split(r"[,.;:]|\bbut\b", text[max(0, hit.start - 28) : hit.start])[-1]
    cut = lexicon.pattern("negation").search(before)
    if cut is None:
        return False
    between = words(before[cut.end() :], lexicon.locale)
    return len([w for w in between if w.text not in lexicon.words("stop")]) == 0


def _preferred(text: str, hit: _Hit, lexicon: Lexicon) -> bool:
    """A value is a preference when its sentence says "prefer", "if possible"."""
    start = max(text.rfind(mark, 0, hit.start) for mark in (".", ";", "!", "?")) + 1
    end = min((i for mark in (".", ";", "!", "?") if (i := text.find(mark, hit.end)) >= 0), default=len(text))
    sentence = text[start:end]
    match = lexicon.pattern("prefer").search(sentence)
    if not match:
        return False
    at = start + match.start()
    return at <= hit.start or at - hit.end <= 10


def _free_options(text: str, product: Product, lexicon: Lexicon) -> list[str]:
    free = []
    for match in lexicon.pattern("no_matter").finditer(text):
        nearby = words(
            text[match.start() : match.end() + 40]
            if match.end() + 3 < len(text)
            else text[max(0, match.start() - 40) :],
            lexicon.locale,
        )
        for option, values in option_values(product).items():
            names = _option_words(option, lexicon) | {w.stem for v in values for w in words(v, lexicon.locale)}
            if any(
                likeness(w.stem, n) >= 0.8 or _prefix(w.stem, n)
                for w in nearby
                for n in names
                if w.text not in lexicon.words("stop") and len(n) > 2
            ):
                free.append(option)
    return free


def _counted_steps(text: str, product: Product, lexicon: Lexicon) -> tuple[list[Step], str]:
    """ "1000 more pieces", "500 pieces less": steps by an amount, and the text without them."""
    steps = []
    for match in list(_AMOUNT.finditer(text)):
        said = match.group("after") or match.group("before")
        direction = 1 if lexicon.said(said, "more_of") else -1 if lexicon.said(said, "less_of") else 0
        option = _option_near(
            match.group(), _AMOUNT_START.match(match.group()) or match, option_values(product), lexicon
        )
        if direction and option:
            steps.append(Step(option, direction, float(match.group("number").replace(",", ""))))
            text = text.replace(match.group(), " ")
    return steps, text


def _fixed_options(text: str, product: Product, lexicon: Lexicon) -> list[str]:
    """ "the same size", "same material and colour": options named right after "same"."""
    found = []
    for match in lexicon.pattern("same_option").finditer(text):
        near = words(re.split(r"[.;!?,]|\bbut\b", text[match.end() : match.end() + 40])[0], lexicon.locale)[:5]
        for option, values in option_values(product).items():
            if len(values) > 1 and any(
                likeness(w.stem, n) >= 0.8 for w in near for n in _option_words(option, lexicon)
            ):
                found.append(option)
    return found


def _steps(
    text: str, product: Product, lexicon: Lexicon, named: dict[str, tuple[str, ...]], taken: set[str]
) -> list[Step]:
    steps: dict[str, Step] = {}
    values = {o: v for o, v in option_values(product).items() if o not in taken and o not in named and len(v) > 1}
    for phrase, (direction, *parts) in lexicon.data.get("comparative", {}).items():
        if pattern_of([phrase]).search(text):
            option = next((o for part in parts for o in values if part in o.lower()), None)
            if option:
                steps[option] = Step(option, direction)
    for section, direction, far in (
        ("most_of", 1, True),
        ("least_of", -1, True),
        ("more_of", 1, False),
        ("less_of", -1, False),
    ):
        for match in lexicon.pattern(section).finditer(text):
            near = _option_near(text, match, values, lexicon)
            if near and near not in steps:
                steps[near] = Step(near, direction, far=far)
    return list(steps.values())


def _option_near(text: str, match: re.Match[str], values: dict[str, tuple[str, ...]], lexicon: Lexicon) -> str | None:
    """The option named within a few words after (or before) a comparative."""
    after = words(text[match.end() : match.end() + 30], lexicon.locale)[:4]
    before = words(text[max(0, match.start() - 25) : match.start()], lexicon.locale)[-3:]
    for near in (after, tuple(reversed(before))):
        for word in near:
            for option in values:
                units = _option_words(option, lexicon) | {
                    w.stem
                    for v in values[option]
                    for w in words(v, lexicon.locale)
                    if not w.text.isdigit() and len(w.text) > 2
                }
                if len(values[option]) > 1 and any(
                    likeness(word.stem, n) >= 0.8 or _prefix(word.stem, n) for n in units
                ):
                    return option
    return None


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


def values_of(variant: Variant) -> str:
    """A variant's options as text: "red, 42"."""
    return ", ".join(str(v) for v in variant.options.values())
