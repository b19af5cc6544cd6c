"""The demo shop: believable, consistent, the same for the same seed and day, and true to the labelled questions."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.demo import DEMO_CUSTOMERS, generate
from knowledge.connectors import documents, native
from knowledge.connectors.record import SourceFile
from knowledge.models import MethodKind, OrderStatus

TODAY = date(2026, 11, 2)
QUESTIONS = Path(__file__).parents[2] / "benchmarks" / "data" / "demo_questions.jsonl"
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def shop_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo")
    generate(directory, today=TODAY)
    return directory


@pytest.fixture(scope="module")
def rows(shop_dir: Path) -> Rows:
    return {path.stem: _read(path) for path in shop_dir.glob("*.jsonl")}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_there_is_enough_of_everything(rows: Rows, shop_dir: Path) -> None:
    assert len(rows["products"]) >= 420
    assert len({product["category"][0] for product in rows["products"]}) >= 10
    assert len(rows["customers"]) >= 200
    assert len(rows["orders"]) >= 650
    assert {order["status"] for order in rows["orders"]} == {str(status) for status in OrderStatus}
    assert len(rows["reviews"]) >= 600
    assert len(rows["interactions"]) >= 3000
    assert len(list((shop_dir / "documents").glob("*.md"))) >= 18


def test_it_tells_what_it_wrote(tmp_path: Path) -> None:
    shop = generate(tmp_path / "new" / "folder", today=TODAY)
    for path in shop.data_files:
        assert len(_read(path)) == shop.counts[path.stem]
    assert len(list(shop.documents.iterdir())) == shop.counts["documents"]


def test_the_shop_can_read_all_of_it(shop_dir: Path, rows: Rows) -> None:
    for kind, written in rows.items():
        file = SourceFile(shop_dir / f"{kind}.jsonl", f"{kind}.jsonl")
        assert sum(1 for _ in native.read(file)) == len(written)
        assert not file.warnings


def test_the_same_seed_and_day_give_the_same_bytes(shop_dir: Path, tmp_path: Path) -> None:
    generate(tmp_path, today=TODAY)
    for path in shop_dir.glob("*.jsonl"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_another_day_moves_only_the_dates(rows: Rows, tmp_path: Path) -> None:
    generate(tmp_path, today=date(2027, 3, 9))
    later = {order["id"]: order for order in _read(tmp_path / "orders.jsonl")}
    assert (tmp_path / "products.jsonl").read_text(encoding="utf-8").splitlines() == [
        json.dumps(row, ensure_ascii=False) for row in rows["products"]]
    for order in rows["orders"]:
        moved = later[order["id"]]
        assert _time(moved["placed_at"]) - _time(order["placed_at"]) == date(2027, 3, 9) - TODAY
        assert (moved["lines"], moved["payments"], moved["status"]) == (
            order["lines"], order["payments"], order["status"])


def test_another_seed_is_another_shop_with_the_same_demo_customers(rows: Rows, tmp_path: Path) -> None:
    generate(tmp_path, seed=8, today=TODAY)
    other = _read(tmp_path / "orders.jsonl")
    assert {order["id"] for order in other} != {order["id"] for order in rows["orders"]}
    assert _read(tmp_path / "customers.jsonl")[:3] == rows["customers"][:3]


def test_products_and_variants_are_well_formed(rows: Rows) -> None:
    variants = [variant for product in rows["products"] for variant in product["variants"]]
    for key in ("id", "sku"):
        assert len({variant[key] for variant in variants}) == len(variants), key
    assert any(variant["stock"] == 0 for variant in variants)
    for product in rows["products"]:
        assert 1 <= len(product["variants"]) <= 18
        assert any(variant["stock"] for variant in product["variants"])
        choices = [tuple(variant["options"].items()) for variant in product["variants"]]
        assert len(set(choices)) == len(choices), product["id"]
        assert all(list(variant["options"]) == product["options"] for variant in product["variants"])
        assert len(product["options"]) <= 3
        for variant in product["variants"]:
            assert Decimal(variant["price"]) > 0
            before = variant["compare_at_price"]
            assert before is None or Decimal(before) > Decimal(variant["price"])


def test_descriptions_are_prose_of_their_own(rows: Rows) -> None:
    texts = [product["description"] for product in rows["products"]]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert not re.search(r"[{}]|  |\.\.", text), text
        assert text[0].isupper() or text[0].isdigit(), text
        assert 2 <= len(re.findall(r"[.!?](?: |$)", text)) <= 5, text
    sentences = Counter(sentence for text in texts for sentence in re.split(r"(?<=[.!?]) ", text))
    assert sentences.most_common(1)[0][1] <= 12, "one sentence is everywhere"


def test_customers_can_be_told_apart(rows: Rows) -> None:
    customers = rows["customers"]
    methods = [method for customer in customers for method in customer["payment_methods"]]
    assert len({customer["email"].lower() for customer in customers}) == len(customers)
    assert len({method["id"] for method in methods}) == len(methods)
    assert all(customer["email"].endswith("@example.com") and customer["payment_methods"] for customer in customers)
    assert all(("balance" in method) == (method["kind"] == MethodKind.GIFT_CARD) for method in methods)
    assert Counter(customer["address"]["country"] for customer in customers).most_common(1)[0][0] == "USA"


def test_lines_name_what_the_shop_sells(rows: Rows) -> None:
    sold = {variant["id"]: (product, variant) for product in rows["products"] for variant in product["variants"]}
    for order in rows["orders"]:
        for line in order["lines"]:
            product, variant = sold[line["variant_id"]]
            assert (line["product_id"], line["title"], line["options"]) == (
                product["id"], product["title"], variant["options"])


def test_money_adds_up(rows: Rows) -> None:
    owned = {customer["id"]: {method["id"] for method in customer["payment_methods"]} for customer in rows["customers"]}
    for order in rows["orders"]:
        total = sum(Decimal(line["unit_price"]) * line["quantity"] for line in order["lines"])
        paid = [entry for entry in order["payments"] if entry["kind"] == "payment"]
        back = [entry for entry in order["payments"] if entry["kind"] == "refund"]
        assert sum(Decimal(entry["amount"]) for entry in paid) == total, order["id"]
        assert {entry["method_id"] for entry in order["payments"]} <= owned[order["customer_id"]]
        if order["status"] == "cancelled":
            assert [(x["amount"], x["method_id"]) for x in back] == [(x["amount"], x["method_id"]) for x in paid]
        else:
            assert not back


def test_a_status_has_its_traces(rows: Rows) -> None:
    midnight = datetime.combine(TODAY, datetime.min.time(), UTC)
    for order in rows["orders"]:
        status = order["status"]
        arrived = status in ("delivered", "return_requested", "exchange_requested")
        assert (order["delivered_at"] is not None) == arrived
        assert bool(order["fulfillments"]) == (arrived or status == "shipped")
        assert (order["cancel_reason"] is not None) == (status == "cancelled")
        assert bool(order["returns"]) == (status == "return_requested")
        assert bool(order["exchanges"]) == (status == "exchange_requested")
        assert _time(order["placed_at"]) < midnight
        if arrived:
            assert _time(order["placed_at"]) < _time(order["delivered_at"]) < midnight
        if order["fulfillments"]:
            shipped = [line for parcel in order["fulfillments"] for line in parcel["line_ids"]]
            assert sorted(shipped) == sorted(line["id"] for line in order["lines"])
            assert {parcel["status"] == "delivered" for parcel in order["fulfillments"]} == {arrived}


def test_exchanges_want_another_variant_of_the_same_product(rows: Rows) -> None:
    products = {product["id"]: product for product in rows["products"]}
    for order in rows["orders"]:
        for exchange in order["exchanges"]:
            line = next(line for line in order["lines"] if line["id"] == exchange["line_id"])
            wanted = next(variant for variant in products[line["product_id"]]["variants"]
                          if variant["id"] == exchange["new_variant_id"])
            assert wanted["id"] != line["variant_id"] and wanted["stock"] > 0


def test_what_was_bought_was_looked_at_before(rows: Rows) -> None:
    bought = Counter((event["customer_id"], event["product_id"]) for event in rows["interactions"]
                     if event["event"] == "purchase")
    ordered = Counter((order["customer_id"], line["product_id"]) for order in rows["orders"] for line in order["lines"])
    assert bought == ordered
    seen: set[tuple[str, str]] = set()
    for event in rows["interactions"]:
        if event["event"] == "view":
            seen.add((event["session_id"], event["product_id"]))
        if event["event"] == "purchase":
            assert (event["session_id"], event["product_id"]) in seen


def test_prices_end_at_what_the_shop_asks_today(rows: Rows) -> None:
    last = {row["variant_id"]: row["price"] for row in rows["prices"]}
    for product in rows["products"]:
        for variant in product["variants"]:
            assert last[variant["id"]] == variant["price"]


def test_reviews_belong_to_products_and_some_tell_of_defects(rows: Rows) -> None:
    products = {product["id"] for product in rows["products"]}
    assert {review["product_id"] for review in rows["reviews"]} <= products
    assert {review["rating"] for review in rows["reviews"]} == {1, 2, 3, 4, 5}
    assert sum("zip" in review["text"] or "crack" in review["text"] for review in rows["reviews"]) >= 5


def test_the_demo_customers_live_their_stories(rows: Rows) -> None:
    customers = {customer["id"]: customer for customer in rows["customers"]}
    numbers = {order["number"] for order in rows["orders"]}
    statuses: dict[str, set[str]] = {}
    for order in rows["orders"]:
        statuses.setdefault(order["customer_id"], set()).add(order["status"])
    for hero in DEMO_CUSTOMERS:
        customer = customers[hero.id]
        assert f"{customer['first_name']} {customer['last_name']}" == hero.name
        assert (customer["email"], customer["address"]["postcode"]) == (hero.email, hero.postcode)
        assert len(hero.things_to_try) >= 4
        assert set(re.findall(r"#W\d+", " ".join(hero.things_to_try))) <= numbers
    assert {"pending", "delivered"} <= statuses["C1001"]
    assert "shipped" in statuses["C1002"]
    assert "cancelled" in statuses["C1003"]
    assert any(method["kind"] == "gift_card" for method in customers["C1003"]["payment_methods"])


def test_documents_are_pages_of_readable_length(shop_dir: Path) -> None:
    for page in (shop_dir / "documents").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1, page.name
        assert len(headings) == len(set(headings)) >= 4, page.name
        assert 300 <= len(text.split()) <= 900, page.name


def test_documents_say_what_the_rules_do(shop_dir: Path) -> None:
    def page(name: str) -> str:
        return (shop_dir / "documents" / name).read_text(encoding="utf-8")

    for name in ("returns.md", "changing-an-order.md", "price-match.md", "store-pickup.md"):
        assert "5 to 7 business days" in page(name), name
    assert "no longer need it, or you ordered it by mistake" in page("changing-an-order.md")
    assert "once per order" in page("changing-an-order.md")
    assert "exchanged once" in page("exchanges.md")


def test_every_labelled_question_points_at_what_is_there(rows: Rows, shop_dir: Path) -> None:
    questions = _read(QUESTIONS)
    kinds = Counter(question["kind"] for question in questions)
    assert len(questions) >= 220 and set(kinds) == {"policy", "product_search", "product_question", "reference"}
    assert len({question["query"] for question in questions}) == len(questions)
    chunks = _chunks(shop_dir / "documents")
    for question in questions:
        assert question["relevant"], question["id"]
        assert set(question["relevant"]) == (set(question["relevant"]) & chunks if question["kind"] == "policy"
                                             else _answers(question, rows)), question["id"]


def _chunks(folder: Path) -> set[str]:
    """Source and heading of every passage, as the shop's own reader cuts them."""
    read = documents.reader(folder)
    return {f"{chunk.source}#{chunk.headings[-1]}" for page in folder.glob("*.md")
            for record in read(SourceFile(page, page.name)) for chunk in record.item.chunks if chunk.headings}


def _answers(question: dict[str, Any], rows: Rows) -> set[str]:
    """What the question's `where` selects now; it must still be what is labelled."""
    if question["kind"] == "reference":
        return {f"{order['id']}/{line['id']}" for order in rows["orders"]
                if order["customer_id"] == question["customer_id"] for line in order["lines"]
                if any(title in line["title"] for title in question["where"]["title"])}
    return {product["id"] for product in rows["products"]
            if any(_fits(product, where) for where in question["where"])}


def _fits(product: dict[str, Any], where: dict[str, Any]) -> bool:
    return (
        ("category" not in where or product["category"][1] in where["category"])
        and ("title" not in where or any(title in product["title"] for title in where["title"]))
        and all(_holds(product["attributes"].get(name), wanted) for name, wanted in where.get("attributes", {}).items())
        and ("max_price" not in where
             or min(Decimal(variant["price"]) for variant in product["variants"]) <= Decimal(where["max_price"]))
    )


def _holds(value: str | None, wanted: str | list[str]) -> bool:
    if value is None:
        return False
    if isinstance(wanted, list):
        return any(_holds(value, one) for one in wanted)
    limit = re.fullmatch(r"(<=|>=|=)(-?[\d.]+)", wanted)
    number = re.search(r"-?\d+(\.\d+)?", value)
    if limit is None or number is None:
        return value == wanted
    found, bound = float(number[0]), float(limit[2])
    return {"<=": found <= bound, ">=": found >= bound, "=": found == bound}[limit[1]]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
