"""How the embedded reader understands 421 hard messages it was never trained on, each in the state it was said in.

Run: `python -m benchmarks.understanding [--model FOLDER] [--json] [--failures FILE] [--worst 40]`. With the folder of an
embedded model (`bot/llm/weights`) the same messages are read once more, by that model beside the classifier.
A message is understood when every act it was labelled with is among the commands, and no write is started and no yes
given that was not meant.
There is no shop behind it: no evidence, no orders. So what a request makes of the words passed on to it is not judged;
words for the request under way count as understood when they reach it (`AmendRequest`). "Served" lets one kind of open
question stand for another, since they are answered from the same evidence.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.demo_folder import ROOT
from bot.assistant_files import SHIPPED, load_assistant
from bot.domain import commands as cmd
from bot.domain.message import InboundMessage
from bot.domain.tracker import Frame, Tracker
from bot.nlu.acts import READS, TALK, WRITES
from bot.nlu.classifier import IntentClassifier
from bot.nlu.language import load_languages
from bot.nlu.reader import EmbeddedReader
from bot.nlu.small_reader import SmallReader, labels_of
from bot.ports import Reader
from knowledge.embedders import load_embedder

MESSAGES = ROOT / "benchmarks" / "data" / "hard_messages.jsonl"
CASES = frozenset({"missing_item_or_damaged", "complaint"})
FOR_THE_REQUEST = frozenset({"choose_option", "correct_that", "except_items", "give_reason", "dont_know"})
CHANGES = frozenset({"correct_that", "except_items"})
OPEN_QUESTIONS = frozenset({"policy_question", "product_question", "compare_products", "availability",
                            "product_options"})
# In the middle of a swap these are questions about it, and the swap answers them.
ABOUT_THE_SWAP = frozenset({"availability", "product_options_count", "cheapest_or_most_expensive",
                            "product_question", "compare_products", "product_search", "recommend"})
_ADDRESS = re.compile(r"\b(street|address|zip|postcode)\b", re.IGNORECASE)
_VARIANT = re.compile(r"\b(make it [smlx]+|wrong size|price difference)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    asked: str
    intents: tuple[str, ...]
    entities: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """`missing`: labelled acts without a command; `extra`: writes nobody meant, "yes" among them."""

    row: Row
    commands: tuple[cmd.Command, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    missing_anyhow: tuple[str, ...]        # as `missing`, when any open question may stand for another

    @property
    def understood(self) -> bool:
        return not self.missing and not self.extra

    @property
    def served(self) -> bool:
        return not self.missing_anyhow and not self.extra


def read_rows(path: Path = MESSAGES) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        found = [json.loads(line) for line in file]
    return [Row(r["text"], r["state"]["asked"] or "", tuple(r["intents"]), r.get("entities", {})) for r in found]


def tracker_for(row: Row) -> Tracker:
    """A conversation in which the assistant has just asked what the row says, for a request that asks such things."""
    unknown = row.asked == "identity" or "provide_identity" in row.intents
    tracker = Tracker("hard", seq=1, turns=1, customer_id=None if unknown else "C1")
    if row.asked:
        flow = _flow_under_way(row)
        tracker.slots["requested_slot"] = "options" if row.asked == "items" and flow == "swap_items" else row.asked
        tracker.stack = [Frame("f1", flow, "ask", {"said": []})]
        if row.asked == "identity":
            tracker.stack.append(Frame("f2", "identify", "ask"))
    return tracker


def _flow_under_way(row: Row) -> str:
    if row.asked in ("reason", "order"):
        return "cancel_order"
    if row.asked == "items":
        return "swap_items" if "options" in row.entities or set(row.intents) & ABOUT_THE_SWAP else "return_items"
    if row.asked == "confirmation" and _ADDRESS.search(row.text):
        return "change_address"
    return "swap_items" if row.asked == "confirmation" and _VARIANT.search(row.text) else "return_items"


def judge(row: Row, tracker: Tracker, commands: Sequence[cmd.Command]) -> Judged:
    frame = tracker.stack[0].flow if tracker.stack else ""
    serious = [i for i in row.intents if i not in TALK]
    wanted = serious or list(row.intents)                 # small talk is answered when there is nothing else
    asked_for = {WRITES[i] for i in row.intents if i in WRITES}
    if any(i in WRITES and i not in CASES for i in wanted):
        wanted = [i for i in wanted if i not in CASES]    # damage that comes with a wish: the wish is the remedy
    if set(wanted) & CHANGES:
        wanted = [i for i in wanted if i != "affirm"]     # a yes with a change is no yes
    started = {c.flow for c in commands if isinstance(c, cmd.StartFlow)} & set(WRITES.values())
    extra = sorted(started - asked_for)
    if any(isinstance(c, cmd.Affirm) for c in commands) and "affirm" not in wanted:
        extra.append("yes")
    missing = tuple(i for i in wanted if not _met(i, row, frame, commands))
    anyhow = tuple(i for i in missing if not (_flow(i) in OPEN_QUESTIONS and _asks_something(commands)))
    return Judged(row, tuple(commands), missing, tuple(extra), anyhow)


def _flow(intent: str) -> str:
    return WRITES.get(intent) or READS.get(intent, "")


def _asks_something(commands: Sequence[cmd.Command]) -> bool:
    return any(isinstance(c, cmd.AskKnowledge) or (isinstance(c, cmd.StartFlow) and c.flow in OPEN_QUESTIONS)
               for c in commands)


def _met(intent: str, row: Row, frame: str, commands: Sequence[cmd.Command]) -> bool:
    """Whether some command does what this intent asks for."""
    def has(*kinds: type) -> bool:
        return any(isinstance(c, kinds) for c in commands)

    amended = has(cmd.AmendRequest)
    simple: dict[str, Callable[[], bool]] = {
        "affirm": lambda: has(cmd.Affirm),
        "deny": lambda: (has(cmd.Deny, cmd.CancelFlow) or (row.asked != "confirmation" and amended)
                         or row.asked == "identity"),
        "cancel_flow": lambda: has(cmd.CancelFlow, cmd.Deny) or not row.asked,
        "human_handoff": lambda: has(cmd.HumanHandoff), "repeat": lambda: has(cmd.Repeat),
        "provide_identity": lambda: any(isinstance(c, cmd.Identify) and c.claims for c in commands)}
    if intent in simple:
        return simple[intent]()
    if intent in FOR_THE_REQUEST:
        return has(cmd.Identify) if row.asked == "identity" else amended or (intent in CHANGES and has(cmd.Deny))
    if intent in TALK:
        return any(isinstance(c, cmd.Chitchat) and c.topic == intent for c in commands)
    if amended and (_flow(intent) == frame or (frame == "swap_items" and intent in ABOUT_THE_SWAP)):
        return True
    return any(_starts(c, _flow(intent)) for c in commands)


def _starts(command: cmd.Command, flow: str) -> bool:
    match command:
        case cmd.StartFlow():
            return command.flow == flow
        case cmd.AskKnowledge():
            return flow == "policy_question"
        case cmd.SearchProducts():
            return flow == "product_search"
    return False


def build_reader() -> EmbeddedReader:
    """As the composition root builds it."""
    assistant = load_assistant(SHIPPED)
    model = IntentClassifier.load(assistant.folder / "en" / "intent", load_embedder())
    return EmbeddedReader(model, assistant.lexicons, load_languages(assistant.folder / "languages.yml"))


def beside(reader: EmbeddedReader, folder: Path) -> SmallReader:
    """The same reader with the embedded model of a folder beside its classifier."""
    from bot.llm.embedded import EmbeddedModel
    from bot.llm.weighing import EmbeddedWeigher

    if not isinstance(reader.model, IntentClassifier):
        raise TypeError("the labels are the classifier's")
    return SmallReader(EmbeddedWeigher(EmbeddedModel.open(folder)), reader, labels_of(reader.model))


async def measure(reader: Reader, rows: Sequence[Row]) -> list[Judged]:
    found = []
    for row in rows:
        tracker = tracker_for(row)
        reading = await reader.read(InboundMessage("hard", row.text), tracker, ())
        found.append(judge(row, tracker, reading.commands))
    return found


def summary(judged: Sequence[Judged]) -> dict[str, Any]:
    """Per state: messages, shares understood and served, shares with a missing act and with an unmeant write."""
    groups: dict[str, list[Judged]] = {"all": list(judged)}
    for one in judged:
        groups.setdefault(one.row.asked or "nothing asked", []).append(one)
    return {"states": {name: _shares(of) for name, of in groups.items()}, "intents": _recall(judged)}


def _shares(of: Sequence[Judged]) -> dict[str, float]:
    several = [j for j in of if len(j.row.intents) > 1]
    return {"messages": len(of), "understood": _share(j.understood for j in of), "served": _share(j.served for j in of),
            "missing": _share(bool(j.missing) for j in of), "unmeant_write": _share(bool(j.extra) for j in of),
            "several_acts": len(several), "several_understood": _share(j.understood for j in several)}


def _share(found: Any) -> float:
    values = list(found)
    return round(sum(values) / len(values), 4) if values else 0.0


def _recall(judged: Sequence[Judged]) -> dict[str, list[int]]:
    """Intent → [met, said], over intents that were to be met."""
    said: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for one in judged:
        said.update(set(one.row.intents))
        missed.update(set(one.missing))
    weakest_first = sorted(said, key=lambda intent: missed[intent] / said[intent], reverse=True)
    return {intent: [said[intent] - missed[intent], said[intent]] for intent in weakest_first}


def worst(judged: Sequence[Judged], limit: int) -> list[dict[str, Any]]:
    """Unmeant writes first, then most missing acts, plain sentences first: what a fix should begin with."""
    wrong = sorted((j for j in judged if not j.understood),
                   key=lambda j: (-len(j.extra), -len(j.missing), len(j.row.text)))
    return [{"text": j.row.text, "asked": j.row.asked or None, "intents": j.row.intents, "missing": j.missing,
             "extra": j.extra, "commands": [_short(c) for c in j.commands]} for j in wrong[:limit]]


def _short(command: cmd.Command) -> str:
    name = type(command).__name__
    match command:
        case cmd.StartFlow():
            return f"{name}({command.flow}, {command.confidence:.2f})"
        case cmd.AmendRequest():
            return f"{name}({command.mode})"
        case cmd.Chitchat():
            return f"{name}({command.topic})"
        case cmd.CannotHandle():
            return f"{name}({command.reason})"
        case cmd.Identify():
            return f"{name}({', '.join(command.claims)})"
    return name


def print_tables(figures: Mapping[str, Any], console: Console, who: str = "embedded reader") -> None:
    table = Table("asked", "messages", "understood", "served", "act missing", "unmeant write", "several acts",
                  "understood of these", title=f"Hard messages, {who}")
    shares = ("understood", "served", "missing", "unmeant_write")
    for state, of in figures["states"].items():
        table.add_row(state, str(of["messages"]), *(f"{of[share]:.3f}" for share in shares),
                      str(of["several_acts"]), f"{of['several_understood']:.3f}")
    console.print(table)
    weak = defaultdict(list)
    for intent, (met, said) in figures["intents"].items():
        if met < said:
            weak[round(met / said, 2)].append(f"{intent} {met}/{said}")
    console.print("weakest intents: " + "; ".join(", ".join(names) for names in list(weak.values())[:14]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", type=Path, help="an embedded model that reads too")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--failures", type=Path, help="JSON Lines: the worst of what was misunderstood")
    parser.add_argument("--worst", type=int, default=40, help="how many of them")
    arguments = parser.parse_args()
    reader = build_reader()
    judged = asyncio.run(measure(reader, read_rows()))
    alone = summary(judged)
    if arguments.model:
        small = beside(reader, arguments.model)
        judged = asyncio.run(measure(small, read_rows()))
    if arguments.failures:
        lines = [json.dumps(found, ensure_ascii=False) + "\n" for found in worst(judged, arguments.worst)]
        arguments.failures.write_text("".join(lines), encoding="utf-8")
    figures = summary(judged)
    if arguments.json:
        print(json.dumps({"without": alone, "with": figures} if arguments.model else figures))
        return
    print_tables(alone, Console(width=140))
    if arguments.model:
        print_tables(figures, Console(width=140), f"with the embedded model ({small.failures} failures)")


if __name__ == "__main__":
    main()
