"""The settings base: one frozen object, read once from TOML and `SHOPCLERK__` variables; a mistake names its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from knowledge.errors import ConfigError
from knowledge.folder import DEFAULT_DIR as DEFAULT_DIR

CONFIG_FILE = "shopclerk.toml"

S = TypeVar("S", bound="SettingsBase")


class SettingsBase(BaseSettings):
    """Environment variables win over the TOML file in the store's folder, which wins over defaults."""

    model_config = SettingsConfigDict(
        env_prefix="SHOPCLERK__", env_nested_delimiter="__", extra="forbid", frozen=True, toml_file=None
    )
    _toml: ClassVar[Path | None] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=cls._toml)


def load_settings(kind: type[S], directory: Path, **overrides: Any) -> S:
    """Read `directory/shopclerk.toml` and the environment. Raises ConfigError that names file and key."""
    path = directory / CONFIG_FILE
    bound = type(kind.__name__, (kind,), {"_toml": path if path.is_file() else None, "__module__": kind.__module__})
    try:
        settings: S = bound(**overrides)
        return settings
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"setting '{key}': {first['msg']} (in {path} or SHOPCLERK__{key.upper().replace('.', '__')})"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
