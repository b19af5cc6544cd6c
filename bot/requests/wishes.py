"""What a customer's words ask of a product's variants.

A wish is read against the product it is about, so that "clicky", "a size up" or "not the leather one" mean what its
own options say. It chooses nothing: `variants` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from bot.requests.lexicon import Lexicon, pattern_of
from bot.requests.values import Hit, option_values, option_words, same_beginning, value_hits
from bot.requests.words import likeness, words
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


_AMOUNT = re.compile(
    r"(?<![\d,])(?P<number>\d[\d,]{0,11}(?:\.\d{1,4})?)\s+(?:(?P<after>more|fewer|less|extra|higher|lower|additional)\s+\w+"
    r"|\w+\s+(?P<before>more|fewer|less|extra|higher|lower|bigger|larger|smaller|longer|shorter))",
    re.IGNORECASE,
)
_AMOUNT_START = re.compile(r"\S+")


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
    hits = value_hits(text, product, lexicon)
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


def _add(to: dict[str, tuple[str, ...]], hit: Hit) -> None:
    if hit.value not in to.get(hit.option, ()):
        to[hit.option] = (*to.get(hit.option, ()), hit.value)


def _price(text: str, lexicon: Lexicon) -> str:
    for key in ("cheapest", "most_expensive", "cheaper", "dearer"):
        if lexicon.said(text, key):
            return key
    return ""


# --- how it is meant -------------------------------------------------------------------------------------------------


def _negated(text: str, hit: Hit, lexicon: Lexicon) -> bool:
    if hit.value.lower() in lexicon.words("no_words"):
        return False
    before = re.split(r"[,.;:]|\bbut\b", text[max(0, hit.start - 28) : hit.start])[-1]
    cut = lexicon.pattern("negation").search(before)
    if cut is None:
        return False
    between = words(before[cut.end() :], lexicon.locale)
    return len([w for w in between if w.text not in lexicon.words("stop")]) == 0


def _preferred(text: str, hit: Hit, lexicon: Lexicon) -> bool:
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
            names = option_words(option, lexicon) | {w.stem for v in values for w in words(v, lexicon.locale)}
            if any(
                likeness(w.stem, n) >= 0.8 or same_beginning(w.stem, n)
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
                likeness(w.stem, n) >= 0.8 for w in near for n in option_words(option, lexicon)
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
                units = option_words(option, lexicon) | {
                    w.stem
                    for v in values[option]
                    for w in words(v, lexicon.locale)
                    if not w.text.isdigit() and len(w.text) > 2
                }
                if len(values[option]) > 1 and any(
                    likeness(word.stem, n) >= 0.8 or same_beginning(word.stem, n) for n in units
                ):
                    return option
    return None


def values_of(variant: Variant) -> str:
    """A variant's options as text: "red, 42"."""
    return ", ".join(str(v) for v in variant.options.values())
