"""LangChain sees our embedder, search and evidence as its own types."""

from __future__ import annotations

import pytest
from small_shop import Shelved, retriever

from knowledge.border import ShopEmbeddings, ShopRetriever, to_document
from knowledge.embedders import HashEmbedder
from knowledge.models import Evidence, EvidenceKind


def test_embeddings() -> None:
    embeddings = ShopEmbeddings(HashEmbedder())
    assert embeddings.embed_query("a cup") == embeddings.embed_documents(["a cup", "x"])[0]
    assert sum(value * value for value in embeddings.embed_query("a cup")) == pytest.approx(1, abs=1e-5)


async def test_retriever_in_a_loop() -> None:
    found = await ShopRetriever(retriever(Shelved()), kinds=(EvidenceKind.PRODUCT,), limit=2).ainvoke("rain trail")
    assert found[0].id == "product:P4" and len(found) == 2
    assert found[0].metadata["kind"] == "product" and found[0].metadata["brand"] == "Norda"


def test_retriever_outside_of_one() -> None:
    assert ShopRetriever(retriever(Shelved())).invoke("espresso cups")[0].id == "product:P7"


def test_a_document_keeps_id_source_and_headings() -> None:
    evidence = Evidence("chunk:a#1", EvidenceKind.DOCUMENT, "Returns", "45 days", 0.7, source="a.md",
                        headings=("A", "B"))
    document = to_document(evidence)
    assert (document.id, document.page_content) == ("chunk:a#1", "45 days")
    assert document.metadata["source"] == "a.md" and document.metadata["headings"] == ["A", "B"]
