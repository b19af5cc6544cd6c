"""WooCommerce's product export and Google Merchant feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from knowledge.errors import DataError
from knowledge.ingest import ingest_files
from knowledge.models import Product
from knowledge.store import Knowledge, open_knowledge

WOO = """\
ID,Type,SKU,Name,Published,Short description,Description,In stock?,Stock,Backorders allowed?,Sale price,Regular price,\
Categories,Tags,Images,Parent,Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)
12,variation,SH-B,Shirt - Blue,1,,,1,4,0,15.00,20.00,,,,SH,Color,Blue,,
10,variable,SH,Shirt,1,<p>Soft</p>,"<p>Organic &amp; soft</p>",1,,0,,,"Clothing > Shirts, Sale","cotton, summer",\
"https://img/a.jpg, https://img/b.jpg",,Color,"Blue, Red",Material,Cotton
11,simple,MUG,Mug,1,,Holds tea,1,,0,,"8,50",Kitchen,,,,Volume,300 ml,,
13,variation,SH-R,Shirt - Red,1,,,0,,0,,20.00,,,,id:10,Color,Red,,
14,simple,OLD,Old thing,0,,,1,,0,,1,,,,,,,,
15,grouped,SET,Set,1,,,1,,0,,,,,,,,,,
"""

TSV = """\
id\ttitle\tdescription\tlink\timage link\tavailability\tprice\tsale price\tbrand\titem group id\tcolor\tsize\t\
product type
S1\tTrail Shoe - Red, 42\tGrips\thttps://s/1\thttps://i/1\tin_stock\t129.90 EUR\t99.90 EUR\tNorda\tG1\tRed\t42\t\
Shoes > Running
M1\tMug\tHolds tea\thttps://s/m\t\tout of stock\tEUR 8.50\t\tAcme\t\tWhite\t\tKitchen
S2\tTrail Shoe - Blue, 42\tGrips\thttps://s/2\thttps://i/2\tpreorder\t1,129.90 EUR\t\tNorda\tG1\tBlue\t42\t\
Shoes > Running
"""

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
<item><g:id>S1</g:id><g:title>Trail Shoe - Red, 42</g:title><g:description>&lt;p&gt;Grips&lt;/p&gt;</g:description>
<link>https://s/1</link><g:image_link>https://i/1</g:image_link><g:availability>in_stock</g:availability>
<g:price>129.90 EUR</g:price><g:sale_price>99.90 EUR</g:sale_price><g:brand>Norda</g:brand>
<g:item_group_id>G1</g:item_group_id><g:color>Red</g:color><g:size>42</g:size>
<g:product_type>Shoes &gt; Running</g:product_type><g:shipping><g:price>5 EUR</g:price></g:shipping></item>
<item><g:id>M1</g:id><title>Mug</title><g:price>8.50 EUR</g:price><g:availability>out_of_stock</g:availability></item>
<item><g:id>S2</g:id><g:title>Trail Shoe - Blue, 42</g:title><g:price>1129.90 EUR</g:price>
<g:item_group_id>G1</g:item_group_id><g:color>Blue</g:color><g:size>42</g:size></item>
</channel></rss>
"""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Knowledge]:
    knowledge = await open_knowledge(tmp_path / "store")
    yield knowledge
    await knowledge.close()


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


async def product(shop: Knowledge, product_id: str) -> Product:
    found = await shop.catalogue.product(product_id)
    assert found is not None
    return found


async def test_variations_join_their_parent_wherever_they_stand(shop: Knowledge, tmp_path: Path) -> None:
    report = await ingest_files(shop, [write(tmp_path, "wc-product-export.csv", WOO)])
    shirt = await product(shop, "10")
    assert (shirt.title, shirt.category, shirt.tags) == ("Shirt", ("Clothing", "Shirts"), ("cotton", "summer"))
    assert shirt.description == "Soft\nOrganic & soft" and shirt.image_url == "https://img/a.jpg"
    assert [(v.id, v.sku, dict(v.options), v.price, v.compare_at_price, v.stock) for v in shirt.variants] == [
        ("12", "SH-B", {"Color": "Blue"}, Decimal("15.00"), Decimal("20.00"), 4),
        ("13", "SH-R", {"Color": "Red"}, Decimal("20.00"), None, 0)]
    mug = await product(shop, "11")
    assert mug.variants[0].price == Decimal("8.50") and mug.attributes == {"Volume": "300 ml"}
    assert set(await shop.catalogue.titles()) == {"10", "11"}
    assert "2 rows skipped" in report.warnings[0]


@pytest.mark.parametrize(("old", "new", "line", "field"), [
    (",SH,Color,Blue", ",GONE,Color,Blue", 2, "Parent"), ("15.00", "free", 2, "Sale price"),
    ('"8,50"', "", 4, "Regular price"), ("11,simple,MUG,Mug", "11,simple,MUG,", 4, "Name")])
async def test_a_wrong_woocommerce_cell_is_named(shop: Knowledge, tmp_path: Path, old: str, new: str, line: int,
                                                 field: str) -> None:
    with pytest.raises(DataError) as caught:
        await ingest_files(shop, [write(tmp_path, "wc.csv", WOO.replace(old, new))])
    assert (caught.value.line, caught.value.field) == (line, field), str(caught.value)


async def test_a_variable_product_without_variations_is_named(shop: Knowledge, tmp_path: Path) -> None:
    lines = [line for line in WOO.splitlines(keepends=True) if ",variation," not in line]
    with pytest.raises(DataError, match="product '10' has none"):
        await ingest_files(shop, [write(tmp_path, "wc.csv", "".join(lines))])


@pytest.mark.parametrize(("name", "text"), [("feed.tsv", TSV), ("feed.txt", TSV), ("feed.xml", RSS)])
async def test_items_of_a_group_are_one_product(shop: Knowledge, tmp_path: Path, name: str, text: str) -> None:
    await ingest_files(shop, [write(tmp_path, name, text)])
    shoe = await product(shop, "G1")
    assert (shoe.title, shoe.brand, shoe.category) == ("Trail Shoe", "Norda", ("Shoes", "Running"))
    assert (shoe.description, shoe.currency, shoe.url) == ("Grips", "EUR", "https://s/1")
    assert shoe.options == ("color", "size")
    assert [(v.id, dict(v.options), v.price, v.compare_at_price) for v in shoe.variants] == [
        ("S1", {"color": "Red", "size": "42"}, Decimal("99.90"), Decimal("129.90")),
        ("S2", {"color": "Blue", "size": "42"}, Decimal("1129.90"), None)]
    mug = await product(shop, "M1")
    assert mug.variants[0].price == Decimal("8.50") and not mug.variants[0].available
    assert list(await shop.catalogue.titles()) == ["G1", "M1"]


async def test_an_atom_feed_is_read_too(shop: Knowledge, tmp_path: Path) -> None:
    atom = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>
    <entry><g:id>M1</g:id><title>Mug</title><link href="https://s/m"/><g:price>8.50 GBP</g:price></entry></feed>"""
    await ingest_files(shop, [write(tmp_path, "feed.xml", atom)])
    mug = await product(shop, "M1")
    assert (mug.title, mug.url, mug.currency) == ("Mug", "https://s/m", "GBP")


@pytest.mark.parametrize(("name", "text", "line", "problem"), [
    ("feed.tsv", TSV.replace("EUR 8.50", "8.50 euros"), 3, "not a price"),
    ("feed.tsv", TSV.replace("preorder", "maybe"), 4, "'maybe' is unknown"),
    ("feed.tsv", TSV.replace("S2\t", "S1\t"), 4, "variant 'S1' stands twice"),
    ("feed.xml", RSS.replace("<g:price>8.50 EUR</g:price>", ""), 8, "missing"),
    ("feed.xml", RSS.replace("</channel>", ""), 11, "not XML"),
    ("feed.xml", RSS.replace('<?xml version="1.0"?>', '<!DOCTYPE rss [<!ENTITY a "aaaa">]>').replace("Mug", "&a;"), 1,
     "refused"),
])
async def test_a_wrong_item_is_named(shop: Knowledge, tmp_path: Path, name: str, text: str, line: int,
                                     problem: str) -> None:
    with pytest.raises(DataError, match=problem) as caught:
        await ingest_files(shop, [write(tmp_path, name, text)])
    assert caught.value.line == line, str(caught.value)
    assert not any((await shop.catalogue.counts()).values())


async def test_an_item_without_end_is_refused(shop: Knowledge, tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    with path.open("w", encoding="utf-8") as stream:
        stream.write(RSS.partition("<item>")[0] + "<item><g:description>")
        for _ in range(24):
            stream.write("x" * 1024 * 1024)
    with pytest.raises(DataError, match="larger than 16 MB"):
        await ingest_files(shop, [path])


async def test_a_quote_without_end_is_refused(shop: Knowledge, tmp_path: Path) -> None:
    path = write(tmp_path, "wc.csv", WOO + '16,simple,BAD,"Bad\n')
    with path.open("a", encoding="utf-8") as stream:
        for _ in range(20 * 1024):
            stream.write("x" * 1024 + "\n")
    with pytest.raises(DataError, match="close every quote"):
        await ingest_files(shop, [path])
