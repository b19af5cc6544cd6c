"""The form of *understand*: where a conversation stands, what was retrieved, and a message cut into clauses → the act of
every clause, and the candidates it speaks of.

    understand en
    asked: -
    doing: -
    seen: -
    <v16> bought Trail boots
    <v17> bought Rain jacket
    says:
    <v0> i don't think i'll keep the boots
    <v1> and where's the jacket

Reply: `<v0> returnitems<v16><v1> trackorder<v17>`. Every clause is named once, in order; an act follows, or several; then
the candidates. So a reply can name no act and no id that is not there. It knows no flow and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.llm.forms.rephrase import NOTHING, shown
from bot.llm.spans import TAG, tag

WITH = "with"  # a clause that belongs to the act beside it and asks for nothing itself
OOS = "oos"
MOST_CLAUSES, MOST_CANDIDATES, MOST_ACTS = 10, 10, 2
_CLAUSE, _TITLE = 200, 60
_CANDIDATE = 16  # the first candidate's tag; clauses begin at 0
_END = r"(?<=[.!?;…])\s+|\n+|(?<=[。！？；])"
_COMMA = r",\s+(?=\S)|(?<=，)|(?<!\s)\s+[-–—]+\s+"
_JOINTS: Mapping[str, str] = {
    "en": r"(?<!\s)\s+(?=(?:and|but|also|plus|then|oh|btw|by the way|otherwise|so|or|because|cause|while|as well as)\b)",
    "zh": r"(?=(?:还有|另外|顺便|然后|但是|不过|否则|所以)[，,]?)",
}
_OPENS = re.compile(r"(?:and|but|also|plus|then|oh|so|or|because|cause|while|as well)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something retrieved that the message may speak of. `kind`: "bought", "sold", "order" or "text"."""

    id: str
    title: str
    kind: str = "sold"


@dataclass(frozen=True, slots=True)
class Said:
    """A message in its conversation. `asked`: the slot asked for; `doing`: the flow under way; `seen`: what was shown or
    spoken of last, "product" or "order"."""

    text: str
    asked: str = ""
    doing: str = ""
    seen: str = ""
    candidates: tuple[Candidate, ...] = ()
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Asking:
    """The prompt, and what its tags stand for: `clauses` tag → words, in order; `candidates` tag → id."""

    text: str
    clauses: Mapping[str, str]
    candidates: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause as it was read: the labels of its acts, and the ids it points at."""

    text: str
    labels: tuple[str, ...]
    ids: tuple[str, ...] = field(default=())


def word(label: str) -> str:
    """A label as the model writes it: one word, so that it becomes one token."""
    return label.replace("_", "")


def clauses(text: str, language: str = "en") -> list[str]:
    """The message cut where another wish may begin: between sentences, at commas and before conjunctions.

    A stretch of one or two words stays with its neighbour, unless it is a sentence. Every clause stands in the message
    as it is, and in this order.
    """
    joints = re.compile(f"(?P<end>{_END})|{_COMMA}|{_JOINTS.get(language, _JOINTS['en'])}", re.IGNORECASE)
    found: list[tuple[int, int]] = []
    start, loose = 0, False  # loose: what comes next is in the same sentence as the last one found
    for match in [*joints.finditer(text), None]:
        stop, after = match.span() if match else (len(text), len(text))
        if match and _OPENS.fullmatch(text[start:stop].strip()):
            continue  # "and by the way": nothing is said yet
        if stop > start and text[start:stop].strip():
            if loose and (_words(text[start:stop]) <= 2 or _words(text[slice(*found[-1])]) <= 2):
                found[-1] = (found[-1][0], stop)
            else:
                found.append((start, stop))
            loose = True
        loose = loose and not (match and match["end"] is not None)
        start = after
    if len(found) > MOST_CLAUSES:
        found[MOST_CLAUSES - 1 :] = [(found[MOST_CLAUSES - 1][0], found[-1][1])]
    return [text[a:b].strip() for a, b in found] or [text.strip()]


def render(said: Said) -> Asking:
    """The prompt. What is beyond the most of clauses and candidates is left out, so that the tags always suffice."""
    lines = [
        f"understand {said.language}",
        f"asked: {said.asked or NOTHING}",
        f"doing: {said.doing or NOTHING}",
        f"seen: {said.seen or NOTHING}",
    ]
    candidates: dict[str, str] = {}
    for place, one in enumerate(said.candidates[:MOST_CANDIDATES]):
        candidates[name := tag(_CANDIDATE + place)] = one.id
        lines.append(f"{name} {one.kind} {shown(one.title, _TITLE)}")
    lines.append("says:")
    words: dict[str, str] = {}
    for place, clause in enumerate(clauses(said.text, said.language)):
        words[name := tag(place)] = clause
        lines.append(f"{name} {shown(clause, _CLAUSE)}")
    return Asking("\n".join(lines), words, candidates)


def reply(asking: Asking, read: Sequence[tuple[Sequence[str], Sequence[str]]]) -> str:
    """What the model is to write. `read`: per clause its labels, and the tags of its candidates."""
    return "".join(
        name + "".join(f" {word(label)}" for label in labels) + "".join(points)
        for name, (labels, points) in zip(asking.clauses, read, strict=True)
    )


class Grammar:
    """Which replies a prompt allows: its clauses in order, each with one label or more, and its candidates."""

    def __init__(self, asking: Asking, labels: Sequence[str]) -> None:
        self._asking = asking
        self._labels = {word(label): label for label in labels}
        self._order = list(asking.clauses)

    def begins(self, text: str) -> bool:
        """Whether an allowed reply begins with it."""
        return self._walk(text) is not None

    def whole(self, text: str) -> bool:
        state = self._walk(text)
        return state is not None and state[0] == len(self._order) and state[1] > 0 and state[2]

    def read(self, text: str) -> list[Clause] | None:
        """The clauses of a whole reply; None for anything else."""
        if not self.whole(text):
            return None
        found = []
        for at, part in enumerate(self._parts(text)):
            tags = TAG.findall(part)
            labels = [self._labels[w] for w in TAG.sub(" ", part).split()]
            points = dict.fromkeys(self._asking.candidates[f"<v{n}>"] for n in tags[1:])
            found.append(Clause(self._asking.clauses[self._order[at]], tuple(dict.fromkeys(labels)), tuple(points)))
        return found

    def next_labels(self, text: str) -> dict[str, str]:
        """Label → what may be written next, where a label is due."""
        return {label: f" {written}" for written, label in self._labels.items()} if text.endswith(">") else {}

    def _parts(self, text: str) -> list[str]:
        """The reply cut before the tag of each clause."""
        starts = [text.index(tag) for tag in self._order if tag in text]
        return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]

    def _walk(self, text: str) -> tuple[int, int, bool] | None:
        """(clauses begun, labels in the last, whether the last word is whole); None where the grammar is left."""
        at, labels, pointed, whole = 0, 0, False, True
        left = text
        while left:
            if left.startswith("<"):
                match = TAG.match(left)
                if match is None:
                    return (at, labels, False) if self._begins_tag(left, at, labels) else None
                if at < len(self._order) and match[0] == self._order[at] and (at == 0 or labels):
                    at, labels, pointed = at + 1, 0, False
                elif at and labels and match[0] in self._asking.candidates:
                    pointed = True
                else:
                    return None
                left = left[match.end() :]
                continue
            match = re.match(r" ([a-z]*)", left)
            if match is None or at == 0 or pointed or labels >= MOST_ACTS:
                return None
            left = left[match.end() :]
            if match[1] not in self._labels:
                begun = any(w.startswith(match[1]) for w in self._labels)
                return (at, labels, False) if begun and not left else None
            labels, whole = labels + 1, True
        return at, labels, whole

    def _begins_tag(self, text: str, at: int, labels: int) -> bool:
        due = self._order[at : at + 1] if at == 0 or labels else []
        return any(tag.startswith(text) for tag in (*due, *(self._asking.candidates if at and labels else ())))


def _words(text: str) -> int:
    return sum(2 if ord(c) > 0x2E80 else 0 for c in text) // 3 + len(re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text))
