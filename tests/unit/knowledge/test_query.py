"""What a query demands is read from it, in whatever way people say it; what it does not demand is not."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from small_shop import ANALYZER, LEXICON, PRODUCTS, Shelved, retriever, variant

from knowledge.errors import ConfigError
from knowledge.lexicon import load_lexicon
from knowledge.models import Product
from knowledge.ports import Constraints
from knowledge.query import ANY, ParsedQuery, QueryParser
from knowledge.question import QuestionReader
from knowledge.spelling import Speller
from knowledge.vocabulary import Vocabulary

EXTRA = (
    Product("K1", "Mechanical Keyboard", (variant("K1a", "99", **{"switch type": "clicky", "size": "full size"}),
                                          variant("K1b", "99", **{"switch type": "linear", "size": "80%"}))),
    Product("T1", "Tee", (variant("T1a", "19", color="light blue", size="M"),), brand="North Face",
            category=("T-Shirts",)),
)
VOCABULARY = Vocabulary.of([*PRODUCTS, *EXTRA], ANALYZER)
PARSER = QueryParser(LEXICON, VOCABULARY, ANALYZER)


def parse(query: str) -> ParsedQuery:
    return PARSER.parse(query)


def test_the_query_of_the_handbook() -> None:
    parsed = parse("waterproof trail shoes under 120 in size 42, not leather")
    assert parsed.constraints == Constraints(max_price=Decimal(120), categories=("Shoes",), options=(("size", "42"),),
                                             excluded=("leather",))
    assert "waterproof trail shoes" in parsed.text and "120" not in parsed.text and "leather" not in parsed.text


@pytest.mark.parametrize(("query", "low", "high"), [
    ("shoes under 50", None, "50"), ("shoes below $49.99", None, "49.99"), ("cup less than 1,299.50", None, "1299.50"),
    ("no more than 30 euros for a cup", None, "30"), ("cup 30 or less", None, "30"), ("a cup, max. 30", None, "30"),
    ("shoes over 100", "100", None), ("at least €80 shoes", "80", None), ("shoes 80 or more", "80", None),
    ("between 50 and 80", "50", "80"), ("shoes from $50 to $80", "50", "80"), ("$50-$80 shoes", "50", "80"),
    ("50-80 dollars shoes", "50", "80"), ("not over 60", None, "60"), ("under 60usd", None, "60"),
    ("around 100", "85.00", "115.00"), ("under the price of 50", None, "50"),
    ("cheaper than 1.299,50", None, "1299.50"),
    ("over 20 but under 50", "20", "50"), ("between 80 and 50", "50", "80"),
])
def test_prices(query: str, low: str | None, high: str | None) -> None:
    found = parse(query).constraints
    assert (found.min_price, found.max_price) == (low and Decimal(low), high and Decimal(high))


@pytest.mark.parametrize("query", ["laptop under 5 kg", "tv over 50 inches", "a cable of 2 m", "shoes 42", "$20 mug",
                                   "more than happy", "under armour shirt", "order 5918442", "3-person tent"])
def test_measures_and_plain_numbers_are_no_prices(query: str) -> None:
    found = parse(query).constraints
    assert found.min_price is None and found.max_price is None


@pytest.mark.parametrize(("query", "options"), [
    ("shoes in size 42", (("size", "42"),)), ("size: M shirt", (("size", "m"),)),
    ("a red sneaker", (("color", "red"),)),
    ("t-shirt in light blue", (("color", "light blue"),)), ("shirt colour green", (("color", "green"),)),
    ("clicky switches", (("switch type", "clicky"),)), ("keyboard full size", (("size", "full size"),)),
    ("30L backpack", (("size", "30l"),)), ("shoes 42", ()), ("m", ()), ("shoes", ()),
])
def test_options(query: str, options: tuple[tuple[str, str], ...]) -> None:
    assert parse(query).constraints.options == options


def test_a_value_of_several_options_stands_for_any_of_them() -> None:
    both = Vocabulary.of([Product("X", "Glasses", (variant("a", "1", color="black", lens="black"),))], ANALYZER)
    parser = QueryParser(LEXICON, both, ANALYZER)
    assert parser.parse("black ones").constraints.options == ((ANY, "black"),)
    assert parser.parse("lens black").constraints.options == (("lens", "black"),)


@pytest.mark.parametrize(("query", "excluded"), [
    ("boots not leather", ("leather",)), ("boots without leather or rubber", ("leather", "rubber")),
    ("leather-free boots", ("leather",)), ("non-leather boots", ("leather",)), ("boots, but not in red", ("red",)),
    ("shirt not light blue", ("light blue",)), ("anything but Norda", ("norda",)),
    ("boots that aren't leather", ("leather",)),
    ("not too expensive boots", ()), ("I am not sure", ()), ("no", ()), ("not", ()),
])
def test_exclusions(query: str, excluded: tuple[str, ...]) -> None:
    assert parse(query).constraints.excluded == excluded


def test_brands_by_name_by_cue_and_misspelt() -> None:
    assert parse("norda shoes").constraints.brands == ("Norda",)
    assert parse("shoes by North Face").constraints.brands == ("North Face",)
    assert parse("shoes by North Face").unsure == ("category",)
    assert parse("emberlnd cups").constraints.brands == ("Emberlund",)
    assert parse("strap for Norda").constraints.brands == ()


def test_a_category_is_what_is_wanted_not_what_it_is_for() -> None:
    assert parse("running shoe").constraints.categories == ("Shoes",)
    assert parse("shoe rack").constraints.categories == ()
    assert parse("laces for shoes").constraints.categories == ()


def test_stock() -> None:
    assert parse("red sneaker in stock").constraints.in_stock
    assert parse("available jackets").constraints.in_stock
    assert not parse("why is it not in stock").constraints.in_stock
    assert not parse("sneaker").constraints.in_stock


@pytest.mark.parametrize("query", ["", "   ", "?!", "🙂", "a" * 5000, "not " * 2000, "under " * 2000,
                                   "1,2" * 2000, "(" * 900])
def test_odd_input_is_read_quickly_and_without_complaint(query: str) -> None:
    start = time.perf_counter()
    parse(query)
    assert time.perf_counter() - start < 0.5


def test_words_come_from_the_lexicon() -> None:
    with pytest.raises(ConfigError, match="xx"):
        load_lexicon("xx")


@pytest.mark.parametrize(("typed", "meant"), [
    ("jakcet", "jacket"), ("jaket", "jacket"), ("backpck", "backpack"), ("jacket", None), ("cup", None), ("cpu", None),
    ("rtrred42", None), ("rtrrd42", "rtrred42"), ("rtrred43", "rtrred42"), ("xyzzyq", None), ("", None),
])
def test_spelling(typed: str, meant: str | None) -> None:
    assert Speller.of({"jacket": 9, "backpack": 4, "cup": 2, "rtrred42": 1}).mend(typed) == meant


async def test_misspelt_words_brands_and_article_numbers_find_their_product() -> None:
    search = retriever(Shelved())
    for query, expected in (("rain jakcet", "P4"), ("esspresso cups", "P7"), ("RTR-RD-42", "P1"), ("rtr red 42", "P1"),
                            ("back pack", "P6"), ("nroda rain jacket", "P4")):
        found = await search.search(query, limit=1)
        assert found and found[0].ref == expected, query


def test_a_question_is_told_from_keywords() -> None:
    reader = QuestionReader(ANALYZER, LEXICON, None, [Speller.of({"headset": 1})])
    assert reader.read("how warm is it").natural and reader.read("red shoes?").natural
    assert not reader.read("red shoes").natural
    assert ("headset",) in reader.read("head set").readings
    assert reader.read("head set").terms == ("head", "set")
