"""A dozen products in memory, and search over them with the hashing embedder: real parts, no files, no weights."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from decimal import Decimal

from knowledge.embedders import HashEmbedder
from knowledge.entries import product_entry
from knowledge.index_build import make_matcher, make_reader
from knowledge.lexicon import load_lexicon
from knowledge.models import EvidenceKind, Product, Variant
from knowledge.query import QueryParser
from knowledge.retriever import HybridRetriever, ShelfRanker
from knowledge.shelf_build import shelve
from knowledge.vocabulary import Vocabulary

LEXICON = load_lexicon()
ANALYZER = LEXICON.analyzer()


def variant(id: str, price: str, stock: int | None = 5, sku: str | None = None, **options: str) -> Variant:
    return Variant(id, Decimal(price), sku=sku, stock=stock, options=options)


PRODUCTS = (
    Product("P1", "Ridge Trail Runner", (variant("V1", "119.00", size="42", color="red", sku="RTR-RED-42"),
                                         variant("V2", "129.00", size="43", color="blue", sku="RTR-BLU-43")),
            description="Waterproof shoes for muddy trails, with a sole of recycled rubber.", brand="Norda",
            category=("Shoes", "Running")),
    Product("P2", "Alpine Leather Boot", (variant("V3", "99.00", size="42", color="brown"),),
            description="A boot of full-grain leather.", brand="Keldan", category=("Shoes", "Hiking")),
    Product("P3", "Canvas Sneaker", (variant("V4", "59.00", 0, size="42", color="red"),
                                     variant("V5", "59.00", 3, size="41", color="red")),
            description="Light shoes for the city, leather-free.", brand="Keldan", category=("Shoes",)),
    Product("P4", "Rain Jacket", (variant("V6", "149.00", size="M", color="green"),),
            description="Keeps out the rain.", brand="Norda", category=("Jackets",)),
    Product("P5", "Jacket Patch", (variant("V7", "9.00", color="green"),),
            description="Mends a jacket on the way.", brand="Pellick", category=("Repair",)),
    Product("P6", "Trail Backpack", (variant("V8", "89.00", color="black", size="30 L"),),
            description="Carries shoes apart from clothes.", brand="Norda", category=("Bags",)),
    Product("P7", "Espresso Cups", (variant("V9", "24.50", color="white"),),
            description="Four small cups of porcelain.", brand="Emberlund", category=("Kitchen",),
            attributes={"material": "porcelain"}),
)


class Shelved:
    """A Catalogue whose products a test may change after they were indexed."""

    def __init__(self, products: Iterable[Product] = PRODUCTS) -> None:
        self.now = {product.id: product for product in products}

    async def product(self, product_id: str) -> Product | None:
        return self.now.get(product_id)

    async def products(self, ids: Iterable[str]) -> list[Product]:
        return [self.now[id] for id in ids if id in self.now]

    async def product_of_variant(self, variant_id: str) -> Product | None:
        return next((p for p in self.now.values() if p.variant(variant_id)), None)

    async def all_products(self) -> AsyncIterator[Product]:
        for product in self.now.values():
            yield product

    async def titles(self) -> dict[str, str]:
        return {product.id: product.title for product in self.now.values()}


def retriever(catalogue: Shelved, *, dense: bool = True, lexical: bool = True) -> HybridRetriever:
    embedder = HashEmbedder()
    products = list(catalogue.now.values())
    entries = [product_entry(product, ANALYZER) for product in products]
    shelves = {EvidenceKind.PRODUCT: shelve(EvidenceKind.PRODUCT, entries, embedder, ANALYZER)}
    vocabulary = Vocabulary.of(products, ANALYZER)
    reader = make_reader(shelves, (EvidenceKind.PRODUCT,), LEXICON, ANALYZER, embedder, vocabulary)
    return HybridRetriever(shelves, reader, catalogue, QueryParser(LEXICON, vocabulary, ANALYZER), ANALYZER,
                           make_matcher(LEXICON, ANALYZER), ranker=ShelfRanker(dense=dense, lexical=lexical))
