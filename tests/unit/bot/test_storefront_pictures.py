"""Every product of the demo has a picture of its own kind, small, whole, and always the same."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from bot.channels.storefront.pictures import Pictures
from bot.channels.storefront.site import FOLDER
from bot.demo.catalogue import build_catalogue
from knowledge.models import Product
from knowledge.native import product_from

SMALL = 6_000
COLOR = re.compile(r'(?:fill|stroke)="(?!none")(?!#[0-9a-fA-F]{6}")')


@pytest.fixture(scope="module")
def products() -> list[Product]:
    return [product_from(item.product) for item in build_catalogue(7).values()]


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures(FOLDER)


def test_all_are_whole_drawings_and_small(products: list[Product], pictures: Pictures) -> None:
    for product in products:
        drawn = pictures.of(product)
        assert ElementTree.fromstring(drawn).tag.endswith("svg")
        assert len(drawn.encode()) <= SMALL and not COLOR.search(drawn), product.title


def test_no_two_pictures_of_a_department_look_alike_by_chance(products: list[Product], pictures: Pictures) -> None:
    """Kinds differ in their motif, things of a kind in color, backdrop or the side they look to."""
    assert len({pictures.motif(p) for p in products}) >= 200
    alike = Counter(pictures.of(p) for p in products)
    assert sum(n for n in alike.values() if n > 1) < len(products) * 0.12


def test_the_same_product_always_looks_the_same(products: list[Product], pictures: Pictures) -> None:
    again = Pictures(FOLDER)
    assert all(pictures.of(p) == again.of(p) for p in products[::7])


def test_a_variant_has_its_color_and_a_strange_one_changes_nothing(products: list[Product], pictures: Pictures) -> None:
    product = next(p for p in products if len({v.options.get("color") for v in p.variants}) > 1)
    colors = list(dict.fromkeys(v.options["color"] for v in product.variants))
    assert pictures.of(product, colors[1]) != pictures.of(product) == pictures.of(product, colors[0])
    assert pictures.of(product, '"/><script>') == pictures.of(product)


def test_what_the_shop_never_had_gets_the_picture_of_its_department(pictures: Pictures) -> None:
    variant = product_from({"id": "X", "title": "x", "variants": [{"id": "V", "price": "1"}]}).variants
    new = Product("X1", "Aerial Wombat", variant, category=("Camping", "Wombats"))
    assert pictures.motif(new) == "tent"
    assert pictures.motif(replace(new, category=())) == "box"


def test_every_color_and_kind_of_the_demo_has_an_entry(products: list[Product]) -> None:
    rules = yaml.safe_load((FOLDER / "pictures.yml").read_text())
    motifs = {path.stem for path in (FOLDER / "motifs").glob("*.svg")}
    colors = {v.options["color"] for p in products for v in p.variants if "color" in v.options}
    assert colors - set(rules["colors"]) == set()
    assert {*rules["kinds"].values(), *rules["categories"].values()} <= motifs
    assert {p.category[0] for p in products} <= set(rules["departments"])


@pytest.mark.parametrize("path", sorted((FOLDER / "motifs").glob("*.svg")), ids=lambda p: p.stem)
def test_a_motif_names_only_known_paints(path: Path) -> None:
    known = {"main", "dark", "light", "deep", "trim", "none"} | set(
        yaml.safe_load((FOLDER / "pictures.yml").read_text())["materials"])
    assert set(re.findall(r'(?:fill|stroke)="([a-z]+)"', path.read_text())) <= known
