"""How the embedded model words replies about things it never saw: facts, wording, and what the evidence gate makes of it.

Run: `python -m benchmarks.voice [--replies 1000] [--model FOLDER] [--data FOLDER] [--show 20] [--json]`

Each reply says one act with facts from a real shop's orders and products (`DATA/stores/retail`) and titles of a public
catalogue (`DATA/benchmarks/retrieval/chorus`). Whether a reply holds its facts is judged apart from the gate: the tags
the model wrote are counted (every fact, none that is not there, no number beside them), each has to stand between words
its like was written between (`bot.llm.places`), and the finished text is searched for every value.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.demo_folder import ROOT, copy_of, demo_folder
from benchmarks.in_process import play_all
from benchmarks.traffic import traffic
from bot.assistant_files import SHIPPED, load_assistant
from bot.bootstrap import open_shop
from bot.config import BotSettings
from bot.domain.events import UserUttered
from bot.domain.tracker import Tracker
from bot.engine.responses import fill
from bot.llm.calls import ModelCall
from bot.llm.composer import LlmComposer
from bot.llm.models import chat_model
from bot.llm.phrasers import FactPhraser, filled
from bot.llm.places import FILE as PLACES
from bot.llm.places import Places
from bot.llm.spans import TAG, Marked
from bot.ports import Act
from training.corpus.rephrase import Example, situations
from training.corpus.written import read_written

DATA = ROOT.parent / "shared"
_SEED = 20_261_125
_SELF_BLEU_OF = 200


@dataclass(slots=True)
class Said:
    """One act as it was worded. `raw`: as the model wrote it, tags filled, before the gate; `text`: what was said."""

    act: Act
    draft: str
    message: str
    raw: str = ""
    text: str = ""
    missing: tuple[str, ...] = ()
    foreign: bool = False
    misplaced: str = ""
    twice: tuple[str, ...] = ()
    ms: float = 0.0
    own: bool = False


@dataclass(slots=True)
class Recording(FactPhraser):
    """Keeps what the model wrote first for each act, with its tags, before anybody judged it."""

    raw: dict[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)

    async def write(self, marked: Marked, tracker: Tracker, temperature: float) -> str:
        written = await FactPhraser.write(self, marked, tracker, temperature)
        self.raw.setdefault(tracker.conversation_id, (written, marked.values))
        return written


def real_facts(data: Path, rng: random.Random) -> Iterator[Mapping[str, str]]:
    """Values of facts from the retail store and the public catalogue's titles, drawn together from one order."""
    orders = [json.loads(line) for line in (data / "stores/retail/orders.jsonl").open(encoding="utf-8")]
    chorus = [json.loads(line)["title"] for line in (data / "benchmarks/retrieval/chorus/corpus.jsonl").open(encoding="utf-8")]
    while True:
        order, title = rng.choice(orders), rng.choice(chorus)
        lines, address = order["lines"], order["address"]
        told = [f"{line['title']} ({', '.join(line['options'].values())})" for line in lines]
        total = sum(float(line["unit_price"]) * line["quantity"] for line in lines)
        titles = rng.sample(chorus, 3)
        yield {
            "order_number": order["number"],
            "items": ", ".join(line["title"] for line in lines),
            "lines": "\n".join(f"• {t}" for t in told),
            "title": title,
            "address": f"{address['line1']}, {address['line2']}, {address['city']}, {address['state']} {address['postcode']}",
            "total": f"${total:,.2f}",
            "refund": f"${total:,.2f}",
            "amount": f"${float(lines[0]['unit_price']):,.2f}",
            "price": f"${float(lines[0]['unit_price']):,.2f}",
            "tracking": str((order["fulfillments"] or [{}])[0].get("tracking_number") or "357962501027"),
            "products": "\n".join(f"{n}. {t}, ${rng.uniform(5, 900):,.2f}" for n, t in enumerate(titles, 1)),
            "variants": "\n".join(f"• {t}" for t in told),
            "choices": "\n".join(f"• {t}" for t in told),
            "wish": next(iter(lines[0]["options"].values()), "blue"),
            "options": ", ".join(lines[0]["options"].values()),
            "line": told[0],
        }


def acts(data: Path, count: int, seed: int) -> list[tuple[Example, Act, str]]:
    """Situations as the corpus has them, of held-out seeds, with the real values in place of drawn ones."""
    rng = random.Random(seed)
    drawn, facts = situations(rng, "en"), real_facts(data, rng)
    templates, made = read_written("en").templates, []
    while len(made) < count:
        one, real = next(drawn), next(facts)
        values = {name: real.get(name, value) for name, value in one.saying.facts.items()}
        if len(set(values.values())) < len(values):  # two facts of one value cannot be told apart
            continue
        response = templates[one.saying.response]
        if not response.verbatim:
            made.append((one, Act(f"utter_{one.saying.response}", values), fill(response.texts[0], values)))
    return made


async def say_all(model: str, data: Path, count: int, at_a_time: int) -> tuple[list[Said], LlmComposer]:
    assistant = load_assistant(SHIPPED)
    chat: Any = chat_model(model, BotSettings().llm)
    files = chat.model.files
    known, places = files.manifest.settings.get("responses", {}), Places.read(files.folder / PLACES)
    phraser = Recording(ModelCall(chat), assistant.responses, known, places)
    composer = LlmComposer(phraser, assistant.responses)
    turns, said = asyncio.Semaphore(at_a_time), list[Said]()

    async def one(number: int, example: Example, act: Act, draft: str) -> Said:
        tracker = Tracker(f"c{number}", last_user=UserUttered(example.saying.message))
        async with turns:
            start = time.perf_counter()
            own = composer.count.acts_own
            texts = await composer.compose([act], [draft], tracker, None)
            found = Said(act, draft, example.saying.message, ms=(time.perf_counter() - start) * 1000)
            found.own = at_a_time == 1 and composer.count.acts_own > own
        found.text = (texts or [draft])[0]
        written, values = phraser.raw.get(tracker.conversation_id, ("", {}))
        judge(found, written, values, places)
        return found

    said = list(await asyncio.gather(*(one(n, *row) for n, row in enumerate(acts(data, count, _SEED)))))
    return said, composer


def judge(said: Said, written: str, values: Mapping[str, str], places: Places) -> None:
    """Which facts the model's own text misses, confuses, names twice, or invents; by the tags it wrote."""
    tags = Counter(match[0] for match in TAG.finditer(written))
    said.foreign = any(tag not in values for tag in tags)
    said.missing = tuple(value for tag, value in values.items() if tag not in tags and not _stands(value, written))
    said.twice = tuple(value for tag, value in values.items() if tags[tag] > 1)
    said.raw = "" if said.foreign else filled(written, values)
    names = {tag: name for tag, value in values.items() for name, fact in said.act.facts.items() if fact == value}
    said.misplaced = places.misplaced(said.act.response.removeprefix("utter_"), written, names) or ""
    known = set(re.findall(r"\d+", said.draft))
    said.foreign |= any(number not in known for number in re.findall(r"\d+", TAG.sub(" ", written)))


def _wrong(said: Said) -> bool:
    """A fact said twice is no mistake."""
    return bool(said.missing or said.foreign or said.misplaced)


def _stands(value: str, text: str) -> bool:
    return " ".join(value.lower().split()) in " ".join(text.lower().split())


def all_facts_stand(said: Said) -> bool:
    """The second method on what is said in the end: every value, word for word, whitespace aside."""
    return all(_stands(str(value), said.text) for value in said.act.facts.values())


def wording(texts: Sequence[str], others: Sequence[str], seed: int) -> dict[str, float]:
    """distinct-2 (Li et al. 2016) and self-BLEU-4 (Zhu et al. 2018) of texts, and of the templates beside them."""
    import sacrebleu

    def distinct(lines: Sequence[str]) -> float:
        pairs = [pair for line in lines for pair in itertools.pairwise(line.lower().split())]
        return len(set(pairs)) / max(1, len(pairs))

    def self_bleu(lines: Sequence[str]) -> float:
        drawn = random.Random(seed).sample(list(lines), min(_SELF_BLEU_OF, len(lines)))
        scores = [
            sacrebleu.sentence_bleu(line, [o for n, o in enumerate(drawn) if n != place]).score / 100
            for place, line in enumerate(drawn)
        ]
        return statistics.mean(scores)

    return {
        "distinct_2": distinct(texts),
        "distinct_2_templates": distinct(others),
        "self_bleu": self_bleu(texts),
        "self_bleu_templates": self_bleu(others),
    }


def figures(said: Sequence[Said], composer: LlmComposer) -> dict[str, Any]:
    count = composer.count
    whole = sum(not _wrong(s) for s in said)
    masked = [_masked(s.text, s.act) for s in said]
    templates = [_masked(s.draft, s.act) for s in said]
    return {
        "replies": len(said),
        "facts_right_before_gate": whole / len(said),
        "missing": sum(bool(s.missing) for s in said),
        "misplaced": sum(bool(s.misplaced) for s in said),
        "twice": sum(bool(s.twice) for s in said),
        "foreign": sum(s.foreign for s in said),
        "facts_right_after_gate": sum(map(all_facts_stand, said)) / len(said),
        "acts_own": count.acts_own / max(1, count.acts_own + count.acts_template),
        "sentences_dropped": count.dropped_share,
        "failures": count.failures,
        **wording(masked, templates, _SEED),
        "ms_p50": float(np.percentile([s.ms for s in said], 50)),
        "ms_p95": float(np.percentile([s.ms for s in said], 95)),
    }


async def on_demo_shop(demo: Path, model: str, count: int) -> dict[str, Any]:
    """Shop traffic in process, once with templates and once in the model's words, on copies of the demo shop."""
    found: dict[str, Any] = {}
    conversations = traffic(demo / "source", count)
    for name, settings in (("templates", {}), ("model", {"rephrase": model})):
        async with await open_shop(copy_of(demo, "voice"), llm=settings) as shop:
            played = await play_all(shop, conversations, "voice", 1)
            said: Any = shop.engine.speaker.composer
        found |= {f"{name}_turn_p50_ms": played["p50_ms"], f"{name}_turn_p99_ms": played["p99_ms"]}
    own, total = said.count.acts_own, said.count.acts_own + said.count.acts_template
    return {"turns": played["turns"], "acts_own": own / max(1, total), "sentences_dropped": said.count.dropped_share,
            "failures": said.count.failures, **found}


def _masked(text: str, act: Act) -> str:
    """Wording without the facts: those differ anyway."""
    for name, value in sorted(act.facts.items(), key=lambda item: -len(str(item[1]))):
        text = text.replace(str(value), f"<{name}>")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--replies", type=int, default=1000)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--shop", type=int, default=0, metavar="N", help="also N conversations of traffic on the demo shop")
    parser.add_argument("--at-a-time", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, help="replies to print, unselected")
    parser.add_argument("--wrong", type=int, default=0, help="replies with wrong facts to print")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    arguments = parser.parse_args()
    if not (arguments.data / "stores/retail/orders.jsonl").is_file():
        sys.exit(f"{arguments.data}: no stores/retail there; name the folder with --data")
    said, composer = asyncio.run(say_all(arguments.model, arguments.data, arguments.replies, arguments.at_a_time))
    found = figures(said, composer)
    if arguments.shop:
        played = asyncio.run(on_demo_shop(demo_folder(), arguments.model, arguments.shop))
        found |= {f"shop_{name}": value for name, value in played.items()}
    if arguments.json:
        print(json.dumps(found))
        return
    console = Console(width=130)
    for one in said[: arguments.show]:
        console.print(f"[dim]{one.message or '-'}[/dim]\n  {one.text}\n", highlight=False, markup=True)
    for one in [s for s in said if _wrong(s)][: arguments.wrong]:
        print(f"{one.act.response}: missing {one.missing}, misplaced {one.misplaced!r}, foreign {one.foreign}\n  {one.raw}")
    table = Table("figure", "value", title=f"{len(said)} replies about facts never seen")
    for name, value in found.items():
        table.add_row(name.replace("_", " "), f"{value:.3f}" if isinstance(value, float) else str(value))
    console.print(table)


if __name__ == "__main__":
    main()
