"""Where a text speaks of the customer's order lines (or of products), and of which.

It reads nouns and descriptions ("the robotic vacuum cleaner", "both lamps"); whether they are to be returned or kept
is decided by `selection`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.requests.lexicon import Lexicon
from bot.requests.words import Word, joined, likeness, stem, words

_HEARD = 1024  # words remembered per name


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be spoken of: an order line or a product."""

    key: str
    title: str
    options: Mapping[str, str]
    also: str = ""  # category and other words that may name it


@dataclass(frozen=True, slots=True)
class Mention:
    """A noun phrase in the text and the things it can mean, the likeliest ones only."""

    start: int
    end: int
    keys: tuple[str, ...]
    head: str  # the words that matched
    count: int | None = None  # "two", "both"; None: not said
    every: bool = False  # "all", "both", a plural without number
    plural: bool = False


Similar = Callable[[str, Sequence[str]], Sequence[float]]
"""Meaning: cosine of a phrase to each of some titles; for names that share no word ("bike", "Bicycle")."""


def find_mentions(
    text: str, things: Sequence[Thing], lexicon: Lexicon, similar: Similar | None = None
) -> list[Mention]:
    """Mentions in the order they stand in the text; overlapping readings of one phrase are one mention."""
    said = words(text, lexicon.locale)
    if not said or not things:
        return []
    names = {thing.key: lexicon.once(_names, thing.title, thing.also) for thing in things}
    marks = _marks(said, names, lexicon)
    mentions = [m for run in _runs(marks) if (m := _mention(text, said, run, marks, things, names, lexicon))]
    return mentions


@dataclass(frozen=True, slots=True, eq=False)
class _Names:
    title: tuple[str, ...]  # stems of the title's words
    head: frozenset[str]  # the nouns that can stand for it alone
    extra: frozenset[str]  # category words
    heard: dict[str, float] = field(default_factory=dict)  # said stem → likeness, as far as worked out

    def likeness(self, said: str) -> float:
        """How surely a word is part of this name."""
        known = self.heard.get(said)
        if known is None:
            if len(self.heard) >= _HEARD:
                self.heard.clear()
            known = self.heard[said] = _name_likeness(said, self)
        return known


def _names(lexicon: Lexicon, title_text: str, also: str) -> _Names:
    title = tuple(w.stem for w in words(title_text, lexicon.locale) if w.text not in lexicon.words("stop"))
    low = f" {title_text.lower().replace('-', ' ')} "
    meant = {s for real, said in lexicon.once(_synonyms) if real in low for s in said}
    head = frozenset(title[-2:]) if len(title) <= 3 else frozenset(title)
    extra = frozenset(_stems(also, lexicon)) | frozenset(meant)
    return _Names(title, head, extra)


def _synonyms(lexicon: Lexicon) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What may stand in a title, between spaces, and the stems of what people say for it."""
    known: Mapping[str, str] = lexicon.data.get("synonyms", {})
    return tuple((f" {str(real).replace('-', ' ')} ", tuple(_stems(str(said), lexicon)))
                 for said, real in known.items() if not str(real).isdigit())


def _stems(text: str, lexicon: Lexicon) -> list[str]:
    return [w.stem for w in words(text, lexicon.locale) if w.text not in lexicon.words("stop") and len(w.text) > 1]


def _marks(said: Sequence[Word], names: Mapping[str, _Names], lexicon: Lexicon) -> dict[int, dict[str, float]]:
    """word index → thing → how surely this word is part of that thing's name."""
    stop = lexicon.words("stop")
    marks: dict[int, dict[str, float]] = {}
    for i, word in enumerate(said):
        following = said[i + 1] if i + 1 < len(said) else None
        pair = joined(word, following, lexicon.locale) if following else ""
        silent = word.text in stop or (len(word.text) < 2 and not word.text.isdigit()) or _is_verb_form(word)
        split = following is not None and len(word.text) == 1
        for key, name in names.items():
            single = 0.0 if silent else name.likeness(word.stem)
            double = 0.95 if pair and pair in name.title and pair != word.stem else 0.0
            hyphen = 0.95 if split and following and _is_split(word, following, name) else 0.0
            if max(double, hyphen) > single:
                marks.setdefault(i, {})[key] = marks.setdefault(i + 1, {})[key] = max(double, hyphen)
            elif single:
                marks.setdefault(i, {})[key] = max(single, marks.get(i, {}).get(key, 0.0))
    return marks


def _is_verb_form(word: Word) -> bool:
    """ "watching" is no watch."""
    return word.text.endswith("ing") and word.stem != word.text and len(word.text) > 5


def _is_split(first: Word, second: Word, name: _Names) -> bool:
    """ "t shirt" and "T-Shirt": both split at the hyphen."""
    return any(a == first.stem and b == second.stem for a, b in zip(name.title, name.title[1:], strict=False))


def _name_likeness(said: str, name: _Names) -> float:
    best = max((likeness(said, t) for t in name.title if len(t) > 1 or t == said), default=0.0)
    if best == 0.0 and len(name.title) >= 2 and said == "".join(name.title):
        best = 0.95
    for first, second in zip(name.title, name.title[1:], strict=False):
        if said in (first + second, f"{first}{second}s"):
            best = max(best, 0.95)
    if best < 0.7 and said in name.extra:
        best = 0.7
    return best


def _runs(marks: Mapping[int, Mapping[str, float]]) -> list[list[int]]:
    """Neighbouring marked words that can belong to one thing."""
    runs: list[list[int]] = []
    for i in sorted(marks):
        if runs and i == runs[-1][-1] + 1 and _share(marks, [*runs[-1], i]):
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def _share(marks: Mapping[int, Mapping[str, float]], run: Sequence[int]) -> bool:
    shared = set(marks[run[0]])
    for i in run[1:]:
        shared &= set(marks[i])
    return bool(shared)


def _mention(
    text: str,
    said: Sequence[Word],
    run: Sequence[int],
    marks: Mapping[int, Mapping[str, float]],
    things: Sequence[Thing],
    names: Mapping[str, _Names],
    lexicon: Lexicon,
) -> Mention | None:
    scores = {t.key: sum(marks[i].get(t.key, 0.0) for i in run) for t in things}
    best = max(scores.values())
    keys = [t.key for t in things if scores[t.key] >= best - 0.15 and scores[t.key] > 0]
    heads = [k for k in keys if any(_is_head(said[i].stem, names[k]) for i in run)]
    if not heads and len(run) == 1 and best < 1.0:
        return None
    if not heads and all(_is_option_word(said[i], things, lexicon) for i in run):
        return None
    keys = heads or keys
    start, end = said[run[0]].start, said[run[-1]].end
    before = [w.text for w in said[max(0, run[0] - 4) : run[0]]]
    count = next((n for w in reversed(before[-2:]) if (n := lexicon.number(w)) and n > 1), None)
    last = said[run[-1]]
    plural = last.text != last.stem and last.text.endswith("s") and not _title_is_plural(last, keys, things, lexicon)
    if lexicon.said(text[max(0, start - 30) : start], "of_these"):
        count = None
    every = (
        not lexicon.said(text[max(0, start - 30) : end], "of_these")
        and lexicon.said(text[max(0, start - 24) : start], "every")
        and bool({*before} & {"all", "both", "every", "each", "any", "two"})
    )
    return Mention(
        start,
        end,
        tuple(keys),
        " ".join(said[i].text for i in run),
        count,
        every or bool(count) or (plural and not lexicon.said(text[max(0, start - 30) : end], "of_these")),
        plural,
    )


def _title_is_plural(last: Word, keys: Sequence[str], things: Sequence[Thing], lexicon: Lexicon) -> bool:
    """ "Running Shoes", "Headphones": a plural word that names one thing."""
    titles = [t.title for t in things if t.key in keys]
    return any(w.text == last.text for title in titles for w in words(title, lexicon.locale)) or any(
        title.lower().endswith("s") and likeness(stem(title.split()[-1].lower(), lexicon.locale), last.stem) >= 0.8
        for title in titles
    )


def _is_head(said: str, name: _Names) -> bool:
    return any(likeness(said, h) >= 0.8 for h in name.head) or said in name.extra or said == "".join(name.title[-2:])


def _is_option_word(word: Word, things: Sequence[Thing], lexicon: Lexicon) -> bool:
    return any(word.stem in _stems(v, lexicon) for t in things for v in t.options.values())


def described(text: str, things: Sequence[Thing], lexicon: Lexicon) -> list[str]:
    """Keys of the things whose options fit most of the words in `text`; all of them when none fits better."""
    said = {w.stem for w in words(text, lexicon.locale) if w.text not in lexicon.words("stop")}
    synonyms = {str(k): str(v) for k, v in lexicon.data.get("synonyms", {}).items()}
    said |= {w.stem for word in list(said) if word in synonyms for w in words(synonyms[word], lexicon.locale)}
    scores = {
        t.key: sum(1.0 for v in t.options.values() for s in {w.stem for w in words(v, lexicon.locale)} if s in said)
        for t in things
    }
    best = max(scores.values(), default=0.0)
    return [key for key, score in scores.items() if score == best]
