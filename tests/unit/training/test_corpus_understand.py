"""Examples of *understand*: every one obeys the grammar, and what is held out is never trained on."""

from __future__ import annotations

import itertools
import random

from bot.llm.forms.understand import WITH, Grammar, clauses, render
from training.corpus.grammar import expand
from training.corpus.understand import examples, messages, pointed, read_phrasings

SAMPLE = 1500


def test_every_reply_is_one_that_the_grammar_of_its_prompt_allows() -> None:
    labels = read_phrasings("en").labels
    for seed, one in enumerate(itertools.islice(messages(random.Random(1), "en"), SAMPLE)):
        _, reply = pointed(one, random.Random(seed))
        grammar = Grammar(render(one.said), labels)
        assert grammar.read(reply) is not None, (one.said.text, reply)


def test_every_clause_has_its_words_in_the_message_and_in_order() -> None:
    for one in itertools.islice(messages(random.Random(2), "en"), SAMPLE):
        at = 0
        for clause in clauses(one.said.text):
            at = one.said.text.index(clause, at) + len(clause)
        assert len(one.read) == len(clauses(one.said.text))
        assert any(label != WITH for labels, _ in one.read for label in labels), one.said.text


def test_the_same_seed_makes_the_same_examples() -> None:
    one, other = (list(itertools.islice(examples(random.Random(3), "en"), 50)) for _ in range(2))
    assert one == other


def test_what_is_held_out_is_in_no_training_phrasing() -> None:
    trained, held_out = read_phrasings("en"), read_phrasings("en", held_out=True)
    for of in ("acts", "taught"):
        for label, lines in getattr(held_out, of).items():
            assert not set(lines) & set(getattr(trained, of).get(label, ()))
    assert sum(map(len, held_out.acts.values())) >= 50
    assert len(trained.labels) > 50


def test_held_out_messages_are_not_met_in_training() -> None:
    met = {one.said.text.lower() for one in itertools.islice(messages(random.Random(4), "en"), 20_000)}
    new = [one.said.text.lower() for one in itertools.islice(messages(random.Random(5), "en", held_out=True), 500)]
    long = [text for text in new if len(text.split()) > 6]
    assert len(long) > 200
    assert not met & set(long)


def test_every_phrasing_can_be_expanded_and_filled() -> None:
    from training.corpus.values import Values

    values = Values(random.Random(6), "en")
    for half in (read_phrasings("en"), read_phrasings("en", held_out=True)):
        lines = [line for of in half.acts.values() for line in of]
        lines += [line for of in half.answers.values() for ways in of.values() for line in ways]
        lines += [line for of in half.around.values() for line in of]
        for line in lines:
            text = values.fill(expand(line, random.Random(7))).text
            assert text and not set("{}|[]") & set(text), line
