"""Settings of the knowledge base: where the shop's database is and how search is built. It opens nothing."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from knowledge.settings import SettingsBase, load_settings

DATABASE_FILE = "shop.db"
INDEX_FOLDER = "index"
MODELS_FOLDER = "models"


class IndexSettings(BaseModel):
    """`[index]`"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flat_limit: int = Field(default=10_000, ge=1)      # up to so many vectors search is exact; above it is not quite
    dense: bool = True                                 # search by meaning
    lexical: bool = True                               # search by words
    rerank: bool = False                               # a closer look at the best twenty: 2 ms each


class KnowledgeSettings(SettingsBase):
    """The keys of `shopclerk.toml` that concern the knowledge base; the other layers' keys are theirs to check."""

    model_config = SettingsConfigDict(extra="ignore")

    database_url: str = ""                             # empty: SQLite in the shop's folder
    embedder: str = "minilm"                           # "minilm" | "hash"
    index: IndexSettings = IndexSettings()


def load_knowledge_settings(directory: Path) -> KnowledgeSettings:
    """Read the folder's `shopclerk.toml` and the environment. Raises ConfigError."""
    return load_settings(KnowledgeSettings, directory)
