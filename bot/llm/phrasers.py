"""Who words the acts of a turn: a large model rewrites their drafts, the embedded one says their facts.

They know prompts and calls, not the gate: what they write is checked by whoever asks.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.tracker import Tracker
from bot.engine.responses import Responses
from bot.llm.calls import ModelCall
from bot.llm.forms import rephrase
from bot.llm.moods import mood_of
from bot.llm.places import Places
from bot.llm.prompt import fenced, language_of, prompt
from bot.llm.spans import TAG, Marked, UnknownTag, fill
from bot.ports import Act

_MARK = re.compile(r"\[\[\s*(\d{1,2})\s*\]\]:?")
_BEGINS = re.compile(r"(?:^|(?<=[.!?]\s)|(?<=\n))(<v\d{1,2}>)")


class Phraser(Protocol):
    """Words the acts at `free` places."""

    def phrase(
        self, acts: Sequence[Act], drafts: Sequence[str], free: Sequence[int], tracker: Tracker
    ) -> AsyncIterator[tuple[int, str]]:
        """(place, text), as soon as each is there; a place may be left out. Raises ModelFailed."""
        ...

    async def again(self, acts: Sequence[Act], place: int, tracker: Tracker) -> str | None:
        """Another text for one act, or None where a second one would be no better. Raises ModelFailed."""
        ...


@dataclass(slots=True)
class DraftPhraser:
    """A large model rewrites all drafts in one call, numbered."""

    call: ModelCall

    async def phrase(
        self, acts: Sequence[Act], drafts: Sequence[str], free: Sequence[int], tracker: Tracker
    ) -> AsyncIterator[tuple[int, str]]:
        numbered = "\n".join(f"[[{n}]] {drafts[place]}" for n, place in enumerate(free, 1))
        system, user = prompt("rephrase", language_of(tracker.locale)).render(
            {"message": fenced(_said(tracker)), "drafts": numbered}
        )
        pieces = self.call.stream(system, user, tracker.conversation_id)
        async for number, text in _numbered(pieces, len(free)):
            yield free[number - 1], text

    async def again(self, acts: Sequence[Act], place: int, tracker: Tracker) -> str | None:
        return None


@dataclass(slots=True)
class FactPhraser:
    """The embedded model says each act from its facts, all acts of a turn at once.

    `known`: the responses it was trained on, with the fingerprint of their texts. What a shop has worded itself, or
    added, is said in the shop's own words. Replies are drawn at `temperature`, so that not everybody reads the same;
    where one is no good, the likeliest text is asked for.
    """

    call: ModelCall
    responses: Responses
    known: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=lambda: Places({}))
    tone: str = "warm"
    temperature: float = 0.3

    async def phrase(
        self, acts: Sequence[Act], drafts: Sequence[str], free: Sequence[int], tracker: Tracker
    ) -> AsyncIterator[tuple[int, str]]:
        language = language_of(tracker.locale)
        places = [place for place in free if self.knows(acts[place].response, language)]
        asked = [asyncio.ensure_future(self._worded(acts, place, tracker)) for place in places]
        try:
            for place, one in zip(places, asked, strict=True):
                text = await one
                if text is not None:
                    yield place, text
        finally:
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def again(self, acts: Sequence[Act], place: int, tracker: Tracker) -> str | None:
        return await self._say(acts, place, tracker, 0.0)

    async def _worded(self, acts: Sequence[Act], place: int, tracker: Tracker) -> str | None:
        drawn = await self._say(acts, place, tracker, self.temperature)
        return drawn if drawn is not None else await self.again(acts, place, tracker)

    def knows(self, response: str, language: str) -> bool:
        return self.known.get(f"{language}/{response}") == fingerprint(self.responses.texts(response, language))

    async def _say(self, acts: Sequence[Act], place: int, tracker: Tracker, temperature: float) -> str | None:
        """The act in the model's words; None where a fact is left out, stands in another's place, or is not there.

        Raises ModelFailed.
        """
        saying = self.saying(acts, place, tracker)
        try:
            marked = rephrase.render(saying)
        except ValueError:  # more facts than a model can point at
            return None
        written = await self.write(marked, tracker, temperature)
        if {tag[0] for tag in TAG.finditer(written)} != set(marked.values):
            return None
        names = dict(zip(marked.values, saying.facts, strict=True))
        if self.places.misplaced(rephrase.short(saying.response), written, names) is not None:
            return None
        try:
            return filled(written, marked.values)
        except UnknownTag:
            return None

    async def write(self, marked: Marked, tracker: Tracker, temperature: float) -> str:
        """What the model answers to a form, tags in it. Raises ModelFailed."""
        return await self.call.text("", marked.text, tracker.conversation_id, temperature=temperature)

    def saying(self, acts: Sequence[Act], place: int, tracker: Tracker) -> rephrase.Saying:
        """What one act has to say, and to whom."""
        act, said = acts[place], _said(tracker)
        language = language_of(tracker.locale)
        names = self.responses.variables(act.response, language)
        facts = {name: str(act.facts[name]) for name in names if act.facts.get(name) not in (None, "", [])}
        before = acts[place - 1].response if place else ""
        mood = mood_of(said, language)
        return rephrase.Saying(act.response, facts, said, mood, self.tone, before, language, names)


def filled(written: str, values: Mapping[str, str]) -> str:
    """Tags become values; one that begins a sentence begins with a capital. Raises UnknownTag."""

    def capital(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        word = value.split(" ", 1)[0]
        return value[0].upper() + value[1:] if word.isalpha() and word.islower() and not TAG.search(value) else match[1]

    return fill(_BEGINS.sub(capital, written.strip()), values)


def fingerprint(texts: Sequence[str]) -> str:
    """Of a response's variations: changes with every letter of them."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _said(tracker: Tracker) -> str:
    return tracker.last_user.text if tracker.last_user else ""


async def _numbered(pieces: AsyncIterator[str], count: int) -> AsyncIterator[tuple[int, str]]:
    """Cut "[[1]] … [[2]] …" into its parts; each number counts once; a single act may come without its mark."""
    text, given = "", set[int]()
    async for piece in pieces:
        text += piece
        while (marks := list(_MARK.finditer(text))) and len(marks) > 1:
            number, body = int(marks[0][1]), text[marks[0].end() : marks[1].start()].strip()
            text = text[marks[1].start() :]
            if 1 <= number <= count and number not in given and body:
                given.add(number)
                yield number, body
    mark = _MARK.search(text)
    number, body = (
        (int(mark[1]), text[mark.end() :].strip()) if mark else (1 if count == 1 and not given else 0, text.strip())
    )
    if 1 <= number <= count and number not in given and body:
        yield number, body
