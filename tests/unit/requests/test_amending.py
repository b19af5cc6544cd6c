"""What further words change in a request: lines in and out, open questions settled, reason, method, variants."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.requests.amend import ORIGINAL, amend_lines, amend_method, read_reason
from bot.requests.methods import STORE_CREDIT, choose_methods
from bot.requests.model import Draft, Open, Pick
from bot.requests.swaps import answer_choice, question_about, settle_variants
from tests.unit.requests.shelf import DELIVERED, GIFT, KEYBOARD, MIRA, PAYPAL, PENDING, VISA, desk, english

BOOTS, SHIRT, KETTLE = (f"10301/L{n}" for n in (1, 2, 3))
DIM_LAMP, BRIGHT_LAMP = "10267/L1", "10267/L2"
TWO = Draft((Pick(BOOTS), Pick(KETTLE)))
WHICH_LAMP = Draft((Pick(BOOTS),), (Open("lamp", (DIM_LAMP, BRIGHT_LAMP)),))


def keys(text: str, draft: Draft, asked: str = "") -> set[str]:
    amended, _ = amend_lines(text, draft, desk(), DELIVERED, asked=asked)
    return {p.key for p in amended.picks}


@pytest.mark.parametrize(("text", "left"), [
    ("only the boots", {BOOTS}), ("also the t-shirt", {BOOTS, KETTLE, SHIRT}), ("not the kettle", {BOOTS}),
    ("keep the boots", {KETTLE}), ("hello?", {BOOTS, KETTLE}), ("yes", {BOOTS, KETTLE}),
    ("everything except the boots", {SHIRT, KETTLE})])
def test_lines_come_in_and_go_out(text, left):
    assert keys(text, TWO) == left


@pytest.mark.parametrize(("answer", "meant"), [
    ("the second one", {BRIGHT_LAMP}), ("number 1", {DIM_LAMP}), ("2", {BRIGHT_LAMP}), ("the last", {BRIGHT_LAMP}),
    ("both", {DIM_LAMP, BRIGHT_LAMP}), ("the cheaper one", {DIM_LAMP}), ("the more expensive one", {BRIGHT_LAMP}),
    ("900 lumen", {BRIGHT_LAMP}), ("the 600 lumen lamp", {DIM_LAMP})])
def test_the_answer_to_which_of_these(answer, meant):
    amended, notices = amend_lines(answer, WHICH_LAMP, desk(), DELIVERED, asked="items")
    assert {p.key for p in amended.picks} == {BOOTS} | meant
    assert (amended.open, notices) == ((), [])


@pytest.mark.xfail(strict=True, reason="what was open falls out of the request without a word")
def test_what_is_no_answer_leaves_the_question_open():
    amended, _ = amend_lines("hmm, let me think", WHICH_LAMP, desk(), DELIVERED, asked="items")
    assert amended.open == WHICH_LAMP.open


def test_a_phrase_that_could_be_two_things_opens_a_question():
    amended, _ = amend_lines("the boots and a lamp", Draft(), desk(), DELIVERED)
    assert [p.key for p in amended.picks] == [BOOTS]
    assert set(amended.open[0].keys) == {DIM_LAMP, BRIGHT_LAMP}


def test_all_of_it_is_all_of_the_order_in_question():
    amended, _ = amend_lines("all of it", Draft(orders=("10301",)), desk(focus=("10301",)), DELIVERED, asked="items")
    assert {p.key for p in amended.picks} == {BOOTS, SHIRT, KETTLE}


def test_what_cannot_be_done_is_told():
    for text, number in (("return the puzzle", "#K10412"), ("return order #K99999", "K99999")):
        amended, notices = amend_lines(text, TWO, desk(), DELIVERED)
        assert amended.picks == TWO.picks
        assert notices[0].facts["order_number"] == number


# --- reason and method -----------------------------------------------------------------------------------------------

REASONS = ["no longer needed", "ordered by mistake"]


@pytest.mark.parametrize(("text", "reason"), [
    ("ordered by mistake", "ordered by mistake"), ("No Longer Needed", "no longer needed"),
    ("I don't need it anymore", "no longer needed"), ("it was an accident", "ordered by mistake"),
    ("just because", ""), ("", "")])
def test_reasons_are_the_shops_own(text, reason):
    assert read_reason(text, desk(), REASONS) == reason
    assert read_reason(text, desk(), []) == ""


@pytest.mark.parametrize(("text", "methods"), [
    ("paypal", [PAYPAL]), ("my visa", [VISA]), ("the card ending 4417", [VISA]), ("the gift card", [GIFT]),
    ("credit card", [VISA]), ("the original method", [VISA]), ("the card I paid with", [VISA]), ("amex", []),
    ("the other payment method", [PAYPAL, GIFT]), ("not my gift card, paypal", [PAYPAL]), ("pm_gift_1", [GIFT]),
    ("the lamp", [])])
def test_the_methods_that_words_mean(text, methods):
    assert choose_methods(text, MIRA.payment_methods, VISA.id, english()) == methods


def method_after(text: str, *orders: str) -> tuple[str, bool]:
    draft, notices = amend_method(text, Draft(method="old"), desk(), "payment_method", orders)
    return draft.method, bool(notices)


def test_a_method_named_is_taken():
    assert method_after("use paypal", "10455") == (PAYPAL.id, False)
    assert method_after("as store credit please", "10455") == (STORE_CREDIT, False)
    assert method_after("whatever", "10455") == ("old", False)


def test_the_original_method_of_orders_paid_differently_is_each_its_own():
    assert method_after("to the original payment method", "10301", "10267") == (ORIGINAL, False)


def test_a_method_the_customer_has_not_is_told():
    assert method_after("put it on my amex", "10455") == ("old", True)


# --- variants --------------------------------------------------------------------------------------------------------

def swap(text: str) -> tuple[Draft, list[str]]:
    both = (*DELIVERED, *PENDING)
    draft, told = amend_lines(text, Draft(), desk(), both, swap=True)
    draft, more = settle_variants(draft, desk())
    return draft, [n.response for n in (*told, *more)]


def test_a_clear_wish_needs_no_question():
    draft, told = swap("exchange the boots for size 43")
    assert [(p.key, p.variant) for p in draft.picks] == [(BOOTS, "BOOT-4")]
    assert (told, question_about(draft, desk())) == ([], None)


def test_without_a_wish_what_is_in_stock_is_shown_with_prices():
    draft, _ = swap("exchange the boots")
    question = question_about(draft, desk())
    assert question is not None
    shown = {payload.split()[-1] for _, payload in question.buttons}
    assert shown == {"BOOT-1", "BOOT-3", "BOOT-4"}
    assert all("$" in title for title, _ in question.buttons)


def test_several_that_fit_are_a_question():
    draft, _ = swap("swap the keyboard for one with clicky switches")
    question = question_about(draft, desk())
    assert question is not None
    assert [payload for _, payload in question.buttons] == ["/variant KEY-5", "/variant KEY-4"]


def test_what_cannot_be_had_is_told_and_the_nearest_shown():
    draft, told = swap("swap the t-shirt for an olive one in L")
    assert len(told) == 1
    question = question_about(draft, desk())
    assert question is not None
    assert question.buttons
    assert "TEE-6" not in str(question.buttons)


ASKED = Pick("10455/L1", "with clicky switches", choices=("KEY-5", "KEY-4"))


@pytest.mark.parametrize(("answer", "variant"), [
    ("the second one", "KEY-4"), ("1", "KEY-5"), ("KEY-4", "KEY-4"), ("the compact one", "KEY-5"),
    ("the cheapest", "KEY-5"), ("the one for $82.00", "KEY-4"), ("without backlight", "KEY-4"), ("full size", "KEY-4")])
def test_the_answer_to_which_variant(answer, variant):
    chosen = answer_choice(answer, ASKED, desk())
    assert chosen is not None
    assert chosen.variant == variant


def test_no_answer_chooses_nothing():
    assert answer_choice("hmm, what do you think?", ASKED, desk()) is None


def test_another_wish_instead_of_an_answer():
    chosen = answer_choice("rather silent switches", ASKED, desk())
    assert chosen is not None
    assert chosen.variant == "KEY-6"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "No"]), max_size=60))
def test_any_answer_chooses_another_variant_in_stock_or_none(text):
    chosen = answer_choice(text, ASKED, desk())
    if chosen is not None and chosen.variant:
        variant = KEYBOARD.variant(chosen.variant)
        assert variant is not None
        assert variant.available
        assert variant.id != "KEY-1"


# --- the draft as JSON -----------------------------------------------------------------------------------------------

TEXT = st.text(max_size=8)
PICKS = st.builds(Pick, TEXT, TEXT, TEXT, st.lists(TEXT, max_size=2).map(tuple))
OPENS = st.builds(Open, TEXT, st.lists(TEXT, max_size=2).map(tuple), TEXT)


@given(st.lists(PICKS, max_size=3), st.lists(OPENS, max_size=2), st.lists(TEXT, max_size=2), TEXT)
def test_a_draft_survives_a_slot(picks, opened, orders, reason):
    draft = replace(Draft(), picks=tuple(picks), open=tuple(opened), orders=tuple(orders), reason=reason,
                    address={"line1": "7 Mill Street"}, choices=({"city": "Tacoma"},))
    assert Draft.from_json(draft.to_json()) == draft
    assert Draft.from_json(None) == Draft()
