"""Reads the written corpus as the evidence gate would: which plans lose a fact, which sentences would never be said.

    python -m training.corpus.check en [--only done_cancel_order …] [--samples 200] [--show 5]
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from bot.engine.gate import Gate
from bot.engine.responses import fill
from bot.llm.prompt import gate_for
from training.corpus.facts import draw_shop
from training.corpus.grammar import count
from training.corpus.rephrase import Example, facts_of, situations, without_absent
from training.corpus.written import Entry, Written, read_written

_FACT = re.compile(r"\{(\w+)\}")


@dataclass(slots=True)
class Report:
    """What became of one response's samples."""

    texts: set[str] = field(default_factory=set)
    incomplete: int = 0
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)  # (reason, sentence)
    shown: list[str] = field(default_factory=list)


def main() -> None:
    arguments = _arguments()
    written, gate = read_written(arguments.language), gate_for(arguments.language)
    table = Table("response", "plans", "ways", "distinct", "incomplete", "sentences dropped")
    console = Console(width=150)
    bad = 0
    for name, entry in written.entries.items():
        if arguments.only and name not in arguments.only:
            continue
        for plan in _useless(written, entry, random.Random(1)):
            console.print(f"[yellow]{name}[/]: never says all facts: {plan}", highlight=False)
        report = _sampled(written, name, gate, arguments.samples)
        lost = sum(report.dropped.values())
        bad += lost
        table.add_row(name, str(len(entry.plans)), str(sum(map(count, entry.plans))), str(len(report.texts)),
                      str(report.incomplete), str(lost))
        for (reason, sentence), times in report.dropped.most_common(arguments.worst):
            console.print(f"[red]{name}[/] {times}x {reason}: {sentence}", highlight=False, markup=True)
        for text in report.shown[: arguments.show]:
            console.print(f"  [dim]{name}[/]: {text}", highlight=False)
    console.print(table)
    missing = [n for n, r in written.templates.items() if not r.verbatim and n not in written.entries]
    console.print(f"without an entry: {', '.join(missing) or 'none'}")
    sys.exit(1 if bad and arguments.strict else 0)


def _useless(written: Written, entry: Entry, rng: random.Random) -> list[str]:
    """Plans that say every fact in none of many draws."""
    from training.corpus.grammar import expand

    useful: set[str] = set()
    for _ in range(60):
        facts = facts_of(written, entry.name, rng, draw_shop(rng))
        useful |= {p for p in entry.plans if set(_FACT.findall(without_absent(expand(p, rng), facts))) == set(facts)}
    return [plan for plan in entry.plans if plan not in useful]


def _sampled(written: Written, name: str, gate: Gate | None, samples: int) -> Report:
    report = Report()
    source = situations(random.Random(name), written.language, (name,))
    for _ in range(samples):
        one = next(source)
        said = fill(one.reply, one.saying.facts)
        report.texts.add(one.reply)
        report.shown.append(f"{one.saying.message!r} → {said}")
        if gate is not None:
            _look(report, gate, written, one, said)
    return report


def _look(report: Report, gate: Gate, written: Written, one: Example, said: str) -> None:
    templates = written.templates[one.saying.response].texts
    draft = fill(templates[0], one.saying.facts)
    result = gate.check(said, draft, dict(one.saying.facts), ())
    report.incomplete += not result.complete
    for dropped in result.dropped:
        pattern = dropped.sentence
        for fact, value in sorted(one.saying.facts.items(), key=lambda item: -len(item[1])):
            pattern = pattern.replace(value, f"{{{fact}}}")
        report.dropped[re.sub(r"'[^']*[\d]+[^']*'", "'…'", dropped.reason), pattern[:140]] += 1
    if not result.complete and not result.dropped:
        report.dropped["missing " + ", ".join(result.missing), said[:140]] += 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("language", nargs="?", default="en")
    parser.add_argument("--only", nargs="*", default=[], metavar="RESPONSE")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--show", type=int, default=0, help="samples to print of each response")
    parser.add_argument("--worst", type=int, default=3, help="dropped sentences to print of each response")
    parser.add_argument("--strict", action="store_true", help="exit 1 where anything is dropped")
    return parser.parse_args()


if __name__ == "__main__":
    main()
