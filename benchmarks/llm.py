"""The embedded model against `transformers` generate: the same weights and prompts, turn about in one run.

Run: `python -m benchmarks.llm [--model FOLDER] [--conversations 16] [--repeat 7] [--json]`. Without a folder a model of the
shipped size with random weights is made and quantised: speed does not depend on what is written, and every reply has the
same length. Prompts have about 120 tokens, replies 40. Figures are medians; on a machine that does other work besides only
the ratios tell anything. With several conversations transformers is measured twice: as a server would call it, one reply
after the other, and with all of them padded into one batch, which no server has waiting in that shape.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.llm import embedded
from bot.llm.embedded import EmbeddedModel, processors

REPLY = 40
PROMPT = 120
ROWS = (1, 4, 8)  # batch sizes of ours that are compared


def made(folder: Path) -> Path:
    """A model of the shipped size, random weights, ready to serve."""
    from tests.tiny_llm import tiny_llm
    from training.llm_new import Size

    root = Path(__file__).parent.parent
    texts = tuple(line.strip() for path in sorted(root.glob("docs/*.md")) + sorted(root.glob("bot/**/*.py"))
                  for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return tiny_llm(folder, Size(), texts=texts)


def prompts(model: EmbeddedModel, count: int) -> list[list[str]]:
    """Different texts of about the same length."""
    words = Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8").split()
    found = []
    for n in range(count):
        said = 1
        while len(model.prompt([("user", " ".join(words[n * 7:n * 7 + said]))])) < PROMPT - 3 + n % 7:
            said += 1
        found.append(model.prompt([("user", " ".join(words[n * 7:n * 7 + said]))]))
    return found


class Ours:
    def __init__(self, folder: Path, rows: int) -> None:
        self.model = EmbeddedModel.open(folder, rows=rows)

    async def alone(self, prompt: Sequence[str]) -> dict[str, float]:
        start = time.perf_counter()
        first, tokens = 0.0, 0
        async for piece in self.model.stream(prompt, REPLY):
            first = first or time.perf_counter() - start
            tokens += piece.tokens
        return {"s": time.perf_counter() - start, "first_s": first, "tokens": tokens}

    async def together(self, asked: Sequence[Sequence[str]]) -> dict[str, float]:
        start, latencies = time.perf_counter(), []

        async def one(prompt: Sequence[str]) -> int:
            written = await self.model.write(prompt, REPLY)
            latencies.append(time.perf_counter() - start)
            return written.tokens

        tokens = sum(await asyncio.gather(*map(one, asked)))
        return {"s": time.perf_counter() - start, "reply_s": statistics.median(latencies), "tokens": tokens}


class Theirs:
    """transformers, with as many threads as torch takes by itself, or one where that is faster."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.torch = torch
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model = AutoModelForCausalLM.from_pretrained(folder).eval()
        self.threads = 1

    def choose(self, prompt: Sequence[str]) -> None:
        taken = {}
        for threads in (1, processors()):
            self.torch.set_num_threads(threads)
            self.write([prompt])
            taken[threads] = min(self.write([prompt])["s"] for _ in range(2))
        self.threads = min(taken, key=lambda n: taken[n])
        self.torch.set_num_threads(self.threads)

    def write(self, asked: Sequence[Sequence[str]], most: int = REPLY) -> dict[str, float]:
        ids = [self.tokenizer.convert_tokens_to_ids(list(p)) for p in asked]
        batch = self.tokenizer.pad({"input_ids": ids}, return_tensors="pt")
        start = time.perf_counter()
        with self.torch.inference_mode():
            out = self.model.generate(**batch, max_new_tokens=most, min_new_tokens=most, do_sample=False)
        return {"s": time.perf_counter() - start, "tokens": len(asked) * (out.shape[1] - batch["input_ids"].shape[1])}

    def in_turn(self, asked: Sequence[Sequence[str]]) -> dict[str, float]:
        each = [self.write([prompt]) for prompt in asked]
        return {"s": sum(e["s"] for e in each), "tokens": sum(e["tokens"] for e in each)}


_PROBE = """
import sys, time
from pathlib import Path
from benchmarks import llm
from benchmarks.machine import resident_mb
before, start = resident_mb(), time.perf_counter()
if sys.argv[1] == "embedded":
    model = llm.EmbeddedModel.open(Path(sys.argv[2]))
    prompt = model.prompt([("user", "where is my order? " * 20)])
    loaded = time.perf_counter() - start
    model.start(prompt, llm.REPLY).result()
    model.close()
else:
    model = llm.Theirs(Path(sys.argv[2]))
    loaded = time.perf_counter() - start
    model.write([["a"] * llm.PROMPT])
print(loaded, resident_mb() - before)
"""


def alone_in_a_process(form: str, folder: Path) -> tuple[float, float]:
    """Seconds to load, libraries included, and megabytes after the first reply."""
    done = subprocess.run([sys.executable, "-c", _PROBE, form, str(folder)], capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()[-2:]
    return float(seconds), float(megabytes)


async def measure(folder: Path, conversations: int, repeat: int) -> dict[str, Any]:
    ours = {rows: Ours(folder, rows) for rows in ROWS}
    first = ours[ROWS[0]]
    theirs = Theirs(folder)
    asked = prompts(first.model, conversations)
    theirs.choose(asked[0])
    runs: dict[str, list[dict[str, float]]] = {}

    def note(name: str, result: dict[str, float]) -> None:
        runs.setdefault(name, []).append(result)

    for n in range(repeat + 1):
        one = asked[n % len(asked)]
        results = {"ours alone": await first.alone(one), "theirs alone": theirs.write([one]),
                   "theirs first": theirs.write([one], 1)}
        results |= {f"ours together {rows}": await o.together(asked) for rows, o in ours.items()}
        if n % 3 == 1:
            results |= {"theirs in turn": theirs.in_turn(asked), "theirs in a batch": theirs.write(asked)}
        for name, result in results.items() if n else ():  # the first round warms up
            note(name, result)
    for o in ours.values():
        o.model.close()
    return _figures(runs, theirs.threads, conversations, folder)


def _figures(runs: dict[str, list[dict[str, float]]], threads: int, conversations: int, folder: Path) -> dict[str, Any]:
    def speed(name: str) -> float:
        return statistics.median(r["tokens"] / r["s"] for r in runs[name])

    def middle(name: str, key: str) -> float:
        return statistics.median(r[key] for r in runs[name]) * 1000

    apart = {form: alone_in_a_process(form, folder) for form in ("embedded", "transformers")}
    together = {rows: round(speed(f"ours together {rows}")) for rows in ROWS}
    served = together[embedded.ROWS]
    return {
        "conversations": conversations, "threads_of_transformers": threads, "workers": processors(),
        "tokens_per_s": {"embedded alone": round(speed("ours alone")), "transformers alone": round(speed("theirs alone")),
                         **{f"embedded together, batches of {rows}": n for rows, n in together.items()},
                         "transformers in turn": round(speed("theirs in turn")),
                         "transformers in one batch": round(speed("theirs in a batch"))},
        "ratio_alone": round(speed("ours alone") / speed("theirs alone"), 2),
        "ratio_together": round(served / speed("theirs in turn"), 2),
        "ratio_together_against_one_batch": round(served / speed("theirs in a batch"), 2),
        "ms": {"first token, embedded": round(middle("ours alone", "first_s"), 1),
               "first token, transformers": round(middle("theirs first", "s"), 1),
               "reply, embedded": round(middle("ours alone", "s"), 1),
               "reply, transformers": round(middle("theirs alone", "s"), 1),
               **{f"reply of {conversations} together, batches of {rows}": round(middle(f"ours together {rows}", "reply_s"), 1)
                  for rows in ROWS}},
        "load_s": {form: round(taken[0], 2) for form, taken in apart.items()},
        "memory_mb": {form: round(taken[1]) for form, taken in apart.items()},
        "served_mb": round(sum(p.stat().st_size for p in (folder / "ct2").iterdir()) / (1 << 20), 1),
    }


def table(figures: dict[str, Any]) -> Table:
    made_of = Table("what", "figure")
    for name, value in figures.items():
        for key, figure in value.items() if isinstance(value, dict) else (("", value),):
            made_of.add_row(f"{name} {key}".strip().replace("_", " "), str(figure))
    return made_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder of a model that has been quantised")
    parser.add_argument("--conversations", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.model or made(Path(scratch) / "llm")
        figures = asyncio.run(measure(folder, options.conversations, options.repeat))
    print(json.dumps(figures)) if options.json else Console().print(table(figures))


if __name__ == "__main__":
    main()
