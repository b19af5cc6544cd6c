"""Examples of *rephrase*: a plan is drawn, its facts from the pools, a message that fits it, and an opener or an answer
to what the customer added.

What is said holds every fact that is there, each once pointed at. It knows the written data and the pools, no model.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.engine.gate import Gate
from bot.engine.responses import fill, variables
from bot.llm.forms.rephrase import MOODS, TONES, Saying, render
from bot.llm.prompt import gate_for
from training.corpus.facts import Shop, draw_shop, sample_facts
from training.corpus.grammar import expand
from training.corpus.written import ANY, Entry, Written, read_written

_FACT = re.compile(r"\{(\w+)\}")
_SENTENCES = re.compile(r"(?<=[.!?])\s+")
# Facts an action may leave out; whatever hangs on one of them goes with it.
_OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "refund": ("refund_method", "refund_timing"),
    "refund_timing": (),
    "charge": ("charge_method",),
    "tracking": ("carrier",),
    "carrier": (),
    "eta": (),
    "delivered_on": (),
    "address": (),
    "gone": (),
    "phone": (),
    "refunded": (),
    "method": (),
    "placed_on": (),
    "expected": (),
    "due": (),
}
_NEVER_LEFT_OUT = {
    "done_change_address": {"address"},
    "done_change_default_address": {"address"},
    "done_change_items": {"refund_timing"},  # one sentence of the template holds it and the refund
    "done_change_payment": {"charge_method", "refund_timing"},
    "refund_made": {"refund", "method"},
    "refund_on_return": {"method"},
    "track_delivered": {"address"},
    "profile_info": {"address"},
}
_OFTEN = ("track_", "done_", "ask_", "which_", "products_found", "available", "answer")
_TRIES = 60
_LONG_FORMS = (
    (r"\b(I)'m\b", r"\1 am"),
    (r"\b(\w+)'ve\b", r"\1 have"),
    (r"\b(\w+)'ll\b", r"\1 will"),
    (r"\b(\w+)'re\b", r"\1 are"),
    (r"\bcan't\b", "cannot"),
    (r"\bCan't\b", "Cannot"),
    (r"\bwon't\b", "will not"),
    (r"\b(\w+)n't\b", r"\1 not"),
    (r"\b(It|it|That|that|There|there|Here|here|What|what)'s\b", r"\1 is"),
    (r"\b(I|you|we|they|You|We|They)'d\b", r"\1 would"),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A situation with what is said in it, `reply` with facts in braces."""

    saying: Saying
    reply: str


def examples(rng: random.Random, language: str) -> Iterator[tuple[str, str]]:
    """(prompt, reply) pairs without end, tags in both; none that the language's evidence gate would not let through."""
    gate, written = gate_for(language), read_written(language)
    for one in situations(rng, language):
        if gate is None or whole(one, written, gate):
            yield pointed(one)


def whole(one: Example, written: Written, gate: Gate) -> bool:
    """Whether every sentence passes, measured against any of the response's texts."""
    said = fill(one.reply, one.saying.facts)
    for text in written.templates[one.saying.response].texts:
        result = gate.check(said, fill(text, one.saying.facts), dict(one.saying.facts), ())
        if result.complete and not result.dropped:
            return True
    return False


def pointed(one: Example) -> tuple[str, str]:
    prompt, values = render(one.saying)
    tags = dict(zip(one.saying.facts, values, strict=True))
    return prompt, _FACT.sub(lambda m: tags[m[1]], one.reply)


def situations(rng: random.Random, language: str, only: Sequence[str] = ()) -> Iterator[Example]:
    """As `examples`, before tags are drawn; `only` these responses."""
    written = read_written(language)
    names = [name for name in written.entries if not only or name in only]
    weights = [2.0 if name.startswith(_OFTEN) else 1.0 for name in names]
    while True:
        found = _situation(written, written.entries[rng.choices(names, weights)[0]], rng)
        if found is not None:
            yield found


def _situation(written: Written, entry: Entry, rng: random.Random) -> Example | None:
    shop = draw_shop(rng)
    facts = facts_of(written, entry.name, rng, shop)
    said = _plan(entry, facts, rng)
    if said is None:
        return None
    mood = rng.choices(MOODS, (5, 2, 2, 1, 1))[0]
    tone = rng.choices(TONES, (6, 2, 2))[0]
    cue = rng.choice(sorted(written.cues)) if written.cues and rng.random() < 0.3 else ""
    message = _message(written, entry, mood, cue, rng)
    after = rng.choice(sorted(written.entries)) if rng.random() < 0.2 else ""
    lead = _lead(written, entry.kind, mood, cue, rng) if tone != "brief" and not after and entry.lead else ""
    if _apologises(lead) and _apologises(said):
        lead = ""
    closer = _closer(written, entry.kind, said, rng) if tone != "brief" else ""
    reply = " ".join(part for part in (lead, said) if part) + (f" {closer}" if closer else "")
    if tone == "formal":
        reply = long_forms(reply)
    names = variables(written.templates[entry.name].texts)
    return Example(Saying(entry.name, facts, message, mood, tone, after, written.language, names), reply)


def facts_of(written: Written, name: str, rng: random.Random, shop: Shop) -> dict[str, str]:
    """Facts for the response's template, some of the optional ones left out."""
    names = variables(written.templates[name].texts)
    kept = set(names)
    for fact, hanging in _OPTIONAL.items():
        if fact in names and fact not in _NEVER_LEFT_OUT.get(name, ()) and rng.random() < 0.3:
            kept -= {fact, *hanging}
    return sample_facts([n for n in names if n in kept], rng, shop, name)


def _plan(entry: Entry, facts: Mapping[str, str], rng: random.Random) -> str | None:
    """A drawn plan that says every fact; sentences about absent ones are left out."""
    for _ in range(_TRIES):
        said = without_absent(expand(rng.choice(entry.plans), rng), facts)
        found = _FACT.findall(said)
        if said and set(found) == set(facts):
            return said
    return None


def without_absent(text: str, facts: Mapping[str, str]) -> str:
    """As `bot.engine.responses.fill` leaves out sentences whose fact has no value."""
    lines = []
    for line in text.split("\n"):
        kept = [s for s in _SENTENCES.split(line) if all(f in facts for f in _FACT.findall(s))]
        if kept or not line.strip():
            lines.append(" ".join(kept))
    return "\n".join(lines).strip()


def _message(written: Written, entry: Entry, mood: str, cue: str, rng: random.Random) -> str:
    pool = [label for label in entry.after if label in written.messages]
    if not pool or ANY in entry.after:
        pool = pool or sorted(written.messages)
    if not pool or rng.random() < 0.04:
        return ""
    parts = [rng.choice(written.messages[rng.choice(pool)])]
    if cue and written.cues[cue].messages:
        added = expand(rng.choice(written.cues[cue].messages), rng)
        parts = [added, *parts] if rng.random() < 0.4 else [*parts, added]
    by_mood = written.moods.get(mood, {})
    if by_mood.get("before") and rng.random() < 0.4:
        parts = [expand(rng.choice(by_mood["before"]), rng), *parts]
    if by_mood.get("after") and rng.random() < (0.3 if mood == "neutral" else 0.7):
        parts = [*parts, expand(rng.choice(by_mood["after"]), rng)]
    message = _joined(parts, rng)
    return message.lower() if rng.random() < 0.3 else message


def _joined(parts: Sequence[str], rng: random.Random) -> str:
    text = parts[0]
    for part in parts[1:]:
        if text[-1:] not in ".!?,":
            text += rng.choice((",", ".", ".", "", " -"))
        text += f" {part}"
    return text


def _lead(written: Written, kind: str, mood: str, cue: str, rng: random.Random) -> str:
    """What comes first: an answer to what the customer added, else an opener for mood and kind, else nothing."""
    answers = written.cues[cue].answers.get(kind, ()) if cue else ()
    if answers and rng.random() < 0.8:
        return expand(rng.choice(answers), rng)
    openers = written.openers.get(kind, {}).get(mood, ())
    return expand(rng.choice(openers), rng) if openers and rng.random() < (0.3 if mood == "neutral" else 0.6) else ""


def _apologises(text: str) -> bool:
    """Once is enough."""
    return "sorry" in text.lower() or "apolog" in text.lower()


def _closer(written: Written, kind: str, said: str, rng: random.Random) -> str:
    closers = written.closers.get(kind, ())
    fits = closers and not said.rstrip().endswith("?") and "\n" not in said
    return expand(rng.choice(closers), rng) if fits and rng.random() < 0.12 else ""


def long_forms(text: str) -> str:
    """Without contractions."""
    for short, long in _LONG_FORMS:
        text = re.sub(short, long, text)
    return text
