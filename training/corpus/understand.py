"""Examples of *understand*: a message of one act or several, in a state, with candidates → the act of each clause.

Single acts come from the classifier's own examples and from the phrasings of `en/understand`; here they are composed:
several acts, corrections, conditions, stories around a wish, answers to what was asked, typos and chat spelling.
A phrasing is for training or held out, by a hash of it, so that held-out messages are made of words never trained on.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from bot.llm.forms.understand import MOST_ACTS, OOS, WITH, Asking, Candidate, Said, clauses, render, reply
from training.corpus.grammar import expand
from training.corpus.noise import shorten, spoil
from training.corpus.values import Filled, Values

_HERE = Path(__file__).parent
_NLU = Path(__file__).parents[2] / "bot" / "assistant"
_ONE_IN = 12  # phrasings held out
_HEAVY = {
    "cancel_order": 3.0, "return_items": 3.0, "exchange_items": 3.0, "change_items": 2.0, "change_address": 2.0,
    "policy_question": 3.0, "track_order": 2.0, "change_payment": 1.5, "missing_item_or_damaged": 1.5, "complaint": 1.5,
    "order_totals": 1.5, "product_question": 1.5, "remove_item": 1.5, "oos": 2.0,
}  # how often, where other acts have 1
_FLOWS = {
    "items": ("return_items", "swap_items"), "options": ("swap_items",), "reason": ("cancel_order", "return_items"),
    "order": ("cancel_order", "return_items", "change_address", "change_payment", "swap_items"),
    "payment_method": ("return_items", "change_payment", "swap_items"), "address": ("change_address",),
    "confirmation": ("return_items", "cancel_order", "swap_items", "change_address", "change_payment"),
    "identity": ("return_items", "cancel_order", "swap_items", "track_order", "change_address", "order_details"),
}
_WRITES = frozenset({
    "cancel_order", "return_items", "exchange_items", "change_items", "remove_item", "change_address", "change_payment",
})
_TALK = ("greet", "thanks", "goodbye", "chitchat", "bot_abilities", "insult", "no_more", "feedback_positive", "wait")
_IN_STATE = frozenset({
    "affirm", "deny", "choose_option", "give_reason", "correct_that", "except_items", "provide_identity", "dont_know",
    "repeat", "no_more", "cancel_flow",
})  # what is said only of something asked or under way
_QUESTIONS = ("policy_question", "track_order", "order_details", "order_totals", "product_question", "availability",
              "gift_card_balance", "refund_status", "human_handoff", "product_options_count")


@dataclass(frozen=True)
class Phrasings:
    """What is written, by label and by state, and which labels there are."""

    acts: Mapping[str, tuple[str, ...]]
    taught: Mapping[str, tuple[str, ...]]  # the classifier's examples
    answers: Mapping[str, Mapping[str, tuple[str, ...]]]
    around: Mapping[str, tuple[str, ...]]

    @property
    def labels(self) -> tuple[str, ...]:
        answered = {label for of in self.answers.values() for label in of}
        return tuple(sorted({*self.acts, *self.taught, *answered, OOS, WITH}))


@dataclass(slots=True)
class Unit:
    """Some words, the act they are, and the titles of what they speak of."""

    text: str
    label: str
    titles: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message in its state, its clauses' labels and the ids they point at."""

    said: Said
    read: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


def examples(rng: random.Random, language: str, held_out: bool = False) -> Iterator[tuple[str, str]]:
    """Prompts and replies without end. `held_out`: of the phrasings that are never trained on."""
    for one in messages(rng, language, held_out):
        yield pointed(one, rng)


def pointed(one: Labelled, rng: random.Random | None = None) -> tuple[str, str]:
    """The prompt, its tags drawn at random, and the reply."""
    asking: Asking = render(one.said)
    tags = {id_: tag for tag, id_ in asking.candidates.items()}
    return asking.text, reply(asking, [(labels, [tags[i] for i in ids]) for labels, ids in one.read])


def messages(rng: random.Random, language: str, held_out: bool = False) -> Iterator[Labelled]:
    source = _Source(read_phrasings(language, held_out), rng, language)
    while True:
        yield source.message()


@lru_cache(maxsize=8)
def read_phrasings(language: str, held_out: bool = False) -> Phrasings:
    """The phrasings of one half."""
    acts: dict[str, list[str]] = {}
    around: dict[str, tuple[str, ...]] = {}
    answers: dict[str, dict[str, tuple[str, ...]]] = {}
    for path in sorted((_HERE / language / "understand").glob("*.yml")):
        data = yaml.safe_load(path.read_text("utf-8"))
        if path.stem == "around":
            around = {name: _lines(text) for name, text in data.items()}
        elif path.stem.startswith("answers"):
            for asked, of in data.items():
                into = answers.setdefault(asked, {})
                for label, text in of.items():
                    into[label] = (*into.get(label, ()), *_half(_lines(text), held_out))
        elif path.stem != "slots":
            for label, text in data.items():
                acts.setdefault(label, []).extend(_half(_lines(text), held_out))
    taught: dict[str, list[str]] = {}
    for path in sorted((_NLU / language / "nlu").glob("*.yml")):
        for entry in yaml.safe_load(path.read_text("utf-8"))["nlu"]:
            lines = tuple(line[2:].strip() for line in entry["examples"].splitlines() if line.startswith("- "))
            taught.setdefault(entry["intent"], []).extend(_half(lines, held_out))
    return Phrasings({k: tuple(v) for k, v in acts.items()}, {k: tuple(v) for k, v in taught.items()}, answers, around)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _half(lines: Sequence[str], held_out: bool) -> tuple[str, ...]:
    return tuple(line for line in lines if (zlib.crc32(line.encode()) % _ONE_IN == 0) == held_out)


class _Source:
    """Makes messages of one language's phrasings."""

    def __init__(self, phrasings: Phrasings, rng: random.Random, language: str) -> None:
        self.of, self.rng, self.language = phrasings, rng, language
        self.values = Values(rng, language)
        self.labels = [name for name in phrasings.labels if name != WITH and self._any(name)]
        self.first = [name for name in self.labels if name not in _IN_STATE or name in ("no_more", "cancel_flow")]
        self.weights = [_HEAVY.get(name, 0.35 if name in _TALK or name == "cancel_flow" else 1.0) for name in self.first]
        self.wishes = [name for name in self.first if name not in _TALK and name not in ("no_more", "cancel_flow", OOS)]
        self.wish_weights = [_HEAVY.get(name, 1.0) for name in self.wishes]

    def message(self) -> Labelled:
        kind = self.rng.random()
        if kind < 0.34:
            return self._in_state()
        units = self._free(kind)
        seen = self.rng.choices(["", "product", "order"], [6, 2, 2])[0]
        return self._labelled(units, "", "", seen)

    # --- what is said --------------------------------------------------------------------------------------------------

    def _free(self, kind: float) -> list[Unit]:
        """A message that answers nothing."""
        if kind < 0.62:
            return self._dressed([self._act()])
        if kind < 0.84:
            return self._dressed(self._several())
        if kind < 0.90:
            return self._dressed(self._corrected())
        if kind < 0.94:
            return self._dressed(self._conditional())
        return [self._act()]

    def _in_state(self) -> Labelled:
        """An answer to what was asked, alone or with more; or something else altogether."""
        asked = self.rng.choices(list(_FLOWS), [4, 3, 2, 3, 3, 1.5, 5, 2.5])[0]
        doing = self.rng.choice(_FLOWS[asked])
        kind = self.rng.random()
        if kind < 0.14:
            units = [self._act(self.rng.choice(_QUESTIONS))] if kind < 0.08 else self._dressed([self._act()])
        elif kind < 0.24:
            answer = self._answer(asked)
            units = [answer, Unit(self._around("joins"), WITH), self._act()]
        else:
            units = [self._answer(asked)]
            if self.rng.random() < 0.15:
                units.append(Unit(self._around("closers"), WITH))
        return self._labelled(units, asked, doing, "")

    def _answer(self, asked: str) -> Unit:
        of = {label: lines for label, lines in self.of.answers.get(asked, {}).items() if lines}
        shared = [name for name in ("dont_know", "repeat", "wait", "cancel_flow", "human_handoff") if self._any(name)]
        if self.rng.random() < 0.12 or not of:
            return self._act(self.rng.choice(shared))
        label = self.rng.choices(list(of), [len(lines) ** 0.7 for lines in of.values()])[0]
        taught = self.of.taught.get(label, ())
        if taught and label in ("affirm", "deny", "dont_know", "give_reason", "wait") and self.rng.random() < 0.5:
            return Unit(self.rng.choice(taught), label)
        return self._unit(self.rng.choice(of[label]), label)

    def _several(self) -> list[Unit]:
        count = self.rng.choices([2, 3, 4], [75, 20, 5])[0]
        units = [self._wish()]
        for _ in range(count - 1):
            units.append(self._wish())
        joined = [units[0]]
        for unit in units[1:]:
            way = self.rng.random()
            if way < 0.55:
                joined.append(Unit(self._around("joins"), ""))
            elif way < 0.9:
                joined.append(Unit(".", ""))
            joined.append(unit)
        return joined

    def _corrected(self) -> list[Unit]:
        """One wish, and then another in its place."""
        first, second = self._wish(self.rng.choice(sorted(_WRITES))), self._wish(self.rng.choice(sorted(_WRITES)))
        label = first.label if first.label == second.label else WITH
        return [Unit(first.text, label), Unit(self._around("corrects"), ""), second]

    def _conditional(self) -> list[Unit]:
        first = self._wish(self.rng.choice(sorted(_WRITES)))
        units = [Unit(self._around("conditions"), ""), first]
        if self.rng.random() < 0.3:
            units = [first, Unit(self._around("conditions"), first.label)]
        if self.rng.random() < 0.5:
            units += [Unit(self._around("otherwise"), ""), self._wish(self.rng.choice(sorted(_WRITES)))]
        return units

    def _dressed(self, units: list[Unit]) -> list[Unit]:
        """With a greeting, a story, or something after it, or none of them."""
        if self.rng.random() < 0.28:
            for _ in range(self.rng.choices([1, 2, 3], [70, 22, 8])[0]):
                story = self._unit(self.rng.choice(self.of.around["story"]), WITH)
                units = [*units, Unit(".", ""), story] if self.rng.random() < 0.25 else [story, Unit(".", ""), *units]
        if self.rng.random() < 0.22:
            units = [Unit(self._around("openers"), WITH), Unit(self.rng.choice([",", ".", ""]), ""), *units]
        if self.rng.random() < 0.18:
            units = [*units, Unit(self.rng.choice([",", ".", ""]), ""), Unit(self._around("closers"), WITH)]
        return units

    def _wish(self, label: str = "") -> Unit:
        return self._act(label or self.rng.choices(self.wishes, self.wish_weights)[0])

    def _act(self, label: str = "") -> Unit:
        label = label or self.rng.choices(self.first, self.weights)[0]
        written, taught = self.of.acts.get(label, ()), self.of.taught.get(label, ())
        if written and (not taught or self.rng.random() < 0.62):
            return self._unit(self.rng.choice(written), label)
        return Unit(self.rng.choice(taught), label) if taught else self._act()

    def _unit(self, phrasing: str, label: str) -> Unit:
        filled: Filled = self.values.fill(expand(phrasing, self.rng))
        return Unit(filled.text, label, filled.titles)

    def _around(self, kind: str) -> str:
        return self.values.fill(expand(self.rng.choice(self.of.around[kind]), self.rng)).text

    def _any(self, label: str) -> bool:
        return bool(self.of.acts.get(label) or self.of.taught.get(label))

    # --- how it is written, and what every clause of it is --------------------------------------------------------------

    def _labelled(self, units: Sequence[Unit], asked: str, doing: str, seen: str) -> Labelled:
        text, spans = self._written(units)
        titles = list(dict.fromkeys(title for _, _, unit in spans for title in unit.titles))
        candidates = self._candidates(titles)
        ids = {c.title: c.id for c in candidates}
        read: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        at = 0
        pointed_at: set[str] = set()
        for clause in clauses(text, self.language):
            start = text.index(clause, at)
            at = start + len(clause)
            within = [(min(b, at) - max(a, start), unit) for a, b, unit in spans if unit.label and a < at and b > start]
            labels = _labels_of(within)
            points: list[str] = []
            for title in dict.fromkeys(t for _, unit in within for t in unit.titles):
                if title in ids and title not in pointed_at and (self.values.named(title, clause) or len(spans) == 1):
                    points.append(ids[title])
                    pointed_at.add(title)
            read.append((labels, tuple(points)))
        said = Said(text, asked, doing, seen, tuple(candidates), self.language)
        return Labelled(said, tuple(read))

    def _candidates(self, titles: Sequence[str]) -> list[Candidate]:
        """What retrieval would show: mostly what is spoken of, and other things; or nothing at all."""
        if self.rng.random() < 0.4:
            return []
        kept = [title for title in titles if self.rng.random() < 0.9]
        kept += [self.values.other(kept) for _ in range(self.rng.randrange(0, 6))]
        kept = list(dict.fromkeys(kept))
        self.rng.shuffle(kept)
        kind = self.rng.choice(["bought", "bought", "sold"])
        return [Candidate(f"{n}", title, kind) for n, title in enumerate(kept)]

    def _written(self, units: Sequence[Unit]) -> tuple[str, list[tuple[int, int, Unit]]]:
        """The units as one text in one person's spelling, and where each stands."""
        plain = self.rng.random()
        case = self.rng.choices(["as is", "lower", "upper"], [50, 48, 2])[0]
        pointless = self.rng.random() < 0.22  # no full stops
        text, spans = "", []
        for unit in units:
            piece = unit.text.strip()
            if plain < 0.2:
                piece = shorten(piece, self.rng)
            if unit.label and self.rng.random() < 0.12:
                piece = spoil(piece, self.rng)
            piece = piece.upper() if case == "upper" else piece.lower() if case == "lower" else piece
            if piece in (".", ","):
                if not (pointless or re.search(r"[.!?,]$", text)):
                    text += piece
                continue
            if unit.label == "" and case == "as is" and re.search(r"[.!?]$", text):
                piece = piece[:1].upper() + piece[1:]
            text += " " if text else ""
            start = len(text)
            text += piece
            spans.append((start, len(text), unit))
        if case == "as is" and self.rng.random() < 0.7:
            text = text[:1].upper() + text[1:]
        if not pointless and self.rng.random() < 0.35 and not re.search(r"[.!?]$", text):
            text += "."
        if pointless and self.rng.random() < 0.5:
            text = text.rstrip(".?!")
        return text, spans


def _labels_of(within: Sequence[tuple[int, Unit]]) -> tuple[str, ...]:
    """The acts of a clause, in order; a few letters of a neighbour do not count."""
    most = max((size for size, _ in within), default=0)
    acts = [unit.label for size, unit in within if unit.label != WITH and size >= min(6, most)]
    return tuple(dict.fromkeys(acts))[:MOST_ACTS] or (WITH,)
