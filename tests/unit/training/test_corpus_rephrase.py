"""What the model learns to say: every fact, each once, in words the gate lets through, for every response there is."""

from __future__ import annotations

import itertools
import random

import pytest

from bot.llm.prompt import gate_for
from bot.llm.spans import TAG
from training.corpus.mix import examples as mixed
from training.corpus.mix import sources, write_rows
from training.corpus.rephrase import examples, long_forms, situations, whole, without_absent
from training.corpus.written import read_written

WRITTEN = read_written("en")


def test_every_response_that_may_be_reworded_has_plans() -> None:
    free = {name for name, response in WRITTEN.templates.items() if not response.verbatim}
    assert free == set(WRITTEN.entries)


def test_a_reply_points_at_every_fact_of_its_prompt_and_at_nothing_else() -> None:
    for prompt, reply in itertools.islice(examples(random.Random(2), "en"), 150):
        assert {m[0] for m in TAG.finditer(reply)} == {m[0] for m in TAG.finditer(prompt)}, (prompt, reply)
        assert "{" not in reply and "  " not in reply and reply.strip() == reply


def test_what_is_learned_passes_the_gate() -> None:
    gate = gate_for("en")
    assert gate is not None
    drawn = list(itertools.islice(situations(random.Random(3), "en"), 200))
    passing = sum(whole(one, WRITTEN, gate) for one in drawn)
    assert passing / len(drawn) > 0.8  # the rest is left out of the corpus


def test_the_same_seed_says_the_same() -> None:
    once, again = (list(itertools.islice(examples(random.Random(5), "en"), 20)) for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("text", "facts", "said"),
    [
        ("Done. You get {refund}. Bye.", {}, "Done. Bye."),
        ("Done. You get {refund}.", {"refund": "$1"}, "Done. You get {refund}."),
        ("Your orders:\n{orders}\nCarrier: {carrier}.", {"orders": "x"}, "Your orders:\n{orders}"),
    ],
)
def test_sentences_about_absent_facts_are_left_out(text: str, facts: dict[str, str], said: str) -> None:
    assert without_absent(text, facts) == said


def test_formal_has_no_contractions() -> None:
    assert long_forms("I've done it, it's fine; you'll see I can't, won't and don't.") == (
        "I have done it, it is fine; you will see I cannot, will not and do not."
    )


def test_tasks_come_in_their_proportions() -> None:
    drawn = [task for task, _, _ in itertools.islice(mixed(random.Random(1)), 300)]
    for task in {task for task, _ in sources()}:
        share = sum(part for (name, _), part in sources().items() if name == task)
        assert abs(drawn.count(task) / 300 - share) < 0.12


def test_rows_do_not_depend_on_how_many_write_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("training.corpus.mix._SHARD", 7)
    write_rows(tmp_path / "one.jsonl", 20, seed=4)
    write_rows(tmp_path / "two.jsonl", 20, seed=4)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert (tmp_path / "one.jsonl").read_text(encoding="utf-8").count("\n") == 20
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.jsonl", "two.jsonl"]
