"""Customers who write in a language the assistant does not speak: an honest answer in it, and the offer of a person."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.books import PENDING, Books
from tests.scenarios.talk import Talk

SignIn = Callable[..., Talk]


@pytest.mark.parametrize(("text", "word"), [
    ("Hola, ¿dónde está mi pedido? Lo necesito para mañana", "inglés"),
    ("你好，我想取消我的订单，不需要了", "英语"),
    ("Hallo, wo ist meine Bestellung? Ich warte seit zwei Wochen auf die Schuhe", "Englisch"),
    ("Bonjour, je voudrais retourner mes chaussures, elles sont trop petites", "anglais"),
    ("Здравствуйте, где мой заказ?", "английски"),
    ("أين طلبي من فضلك؟", "الإنجليزية"),
], ids=["Spanish", "Chinese", "German", "French", "Russian", "Arabic"])
async def test_an_honest_answer_in_that_language(signed_in: SignIn, books: Books, text: str, word: str) -> None:
    talk = signed_in(books.owner(books.first(PENDING, books.alone)))
    await talk.say(text)
    assert talk.shows(word)
    assert any(b.payload == "/handoff" for r in talk.replies for b in r.buttons)
    assert await talk.writes() == set()


async def test_a_person_is_brought_in(talk: Talk) -> None:
    await talk.say("Hola, quiero devolver mi pedido por favor")
    button = next(b for r in talk.replies for b in r.buttons if b.payload == "/handoff")
    await talk.say(button.title, payload=button.payload)
    assert (await talk.tracker()).mode == "queued"


async def test_a_foreign_word_is_not_a_foreign_language(talk: Talk) -> None:
    await talk.say("hola! do you have hiking socks?")
    assert talk.products
