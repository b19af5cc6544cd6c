"""How names, e-mails, postcodes, order numbers and SKUs are compared, whatever way they are written."""

from __future__ import annotations

import re
import unicodedata


def folded(text: str | None) -> str | None:
    """Case, accents' composition and outer spaces do not count; None and "" are None."""
    if not text:
        return None
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("\x00", "").split()) or None


def letters_and_digits(text: str | None) -> str:
    """Upper-case letters and digits only: "#w-591 8442" → "W5918442"."""
    normal = unicodedata.normalize("NFKC", text or "").upper()
    return "".join(character for character in normal if character.isalnum())


def digits(text: str | None) -> str:
    return re.sub(r"\D", "", text or "")
