"""LangChain's types at the border: our embedder, search and evidence as `Embeddings`, `BaseRetriever` and `Document`.

Nothing inside the house uses them; an outside chain does. It knows both shapes and adds nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from knowledge.models import Evidence, EvidenceKind
from knowledge.ports import Embedder, Search


class ShopEmbeddings(Embeddings):
    """Our sentence encoder for LangChain; vectors have unit length."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._embedder.embed(texts).tolist()  # type: ignore[no-any-return]

    def embed_query(self, text: str) -> list[float]:
        return self._embedder.embed([text])[0].tolist()  # type: ignore[no-any-return]


class ShopRetriever(BaseRetriever):
    """Hybrid search for LangChain. Constraints are read from the query, as everywhere."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    search: Any                       # the Search port; pydantic cannot check a Protocol
    kinds: tuple[EvidenceKind, ...] = ()
    limit: int = 5

    def __init__(self, search: Search, *, kinds: tuple[EvidenceKind, ...] = (), limit: int = 5, **more: Any) -> None:
        fields: dict[str, Any] = {"search": search, "kinds": kinds, "limit": limit, **more}
        super().__init__(**fields)

    async def _aget_relevant_documents(self, query: str, *,
                                       run_manager: AsyncCallbackManagerForRetrieverRun) -> list[Document]:
        return [to_document(one) for one in await self.search.search(query, kinds=self.kinds, limit=self.limit)]

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        """For synchronous chains only: within a running loop call `ainvoke`."""
        found = asyncio.run(self.search.search(query, kinds=self.kinds, limit=self.limit))
        return [to_document(one) for one in found]


def to_document(evidence: Evidence) -> Document:
    """The text with everything else as metadata; the evidence's id stays its id."""
    metadata = {"kind": evidence.kind.value, "title": evidence.title, "score": evidence.score, "ref": evidence.ref,
                "source": evidence.source, "url": evidence.url, "headings": list(evidence.headings), **evidence.data}
    return Document(id=evidence.id, page_content=evidence.text or evidence.title, metadata=metadata)
