"""Text to terms, for indexing and for queries alike: folded, split, stemmed.

It knows scripts and a stemmer's name, no words of any language: stop words come with the lexicon.
Chinese, Japanese and Korean runs become overlapping pairs, since they carry no spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import Stemmer

_CJK = "぀-ヿ㐀-䶿一-鿿豈-﫿가-힯"
# A token is a run of CJK, or one of letters and digits that may be joined by - . / _ ' inside ("tr3-red-42", "6.2").
_TOKEN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:['’.\-/_][^\W_{_CJK}]+)*")
_PART = re.compile(r"[^\W_]+")
_CJK_RUN = re.compile(rf"[{_CJK}]")
LONGEST = 64              # a longer run of letters is noise (base64, hashes): cut, so that no term is a page


def fold(text: str) -> str:
    """Compatibility form, no case, no accents: "Café" and "cafe" are one."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def squeeze(text: str) -> str:
    """Letters and digits only, folded: how two spellings of a SKU or an option value are compared."""
    return "".join(_PART.findall(fold(text)))


class Analyzer:
    """Splits and stems. Not thread-safe by itself in PyStemmer, so results are remembered per word instead."""

    def __init__(self, stemmer: str = "english", stopwords: Iterable[str] = ()) -> None:
        self._stemmer = Stemmer.Stemmer(stemmer) if stemmer else None
        self.stopwords = frozenset(fold(word) for word in stopwords)
        self._stems: dict[str, str] = {}

    def words(self, text: str) -> list[str]:
        """Folded, unstemmed words without stop words; a compound gives its parts and itself joined."""
        found: list[str] = []
        stopwords = self.stopwords
        for token in _TOKEN.findall(fold(text)):
            if token.isascii() and token.isalnum():      # most are
                if token not in stopwords:
                    found.append(token[:LONGEST])
                continue
            if _CJK_RUN.match(token):
                found.extend(token[i:i + 2] for i in range(max(1, len(token) - 1)))
                continue
            parts = _PART.findall(token)
            if len(parts) > 1:
                found.append("".join(parts)[:LONGEST])
                if parts[-1] == "s":  # "men's" is men and mens, not men and s
                    parts = parts[:-1]
            found.extend(part[:LONGEST] for part in parts if part not in stopwords)
        return found

    def terms(self, text: str) -> list[str]:
        """The stems of `words`."""
        stems = self._stems
        return [stems.get(word) or self.stem(word) for word in self.words(text)]

    def stem(self, word: str) -> str:
        known = self._stems.get(word)
        if known is None:
            known = word if self._stemmer is None or not word.isalpha() else self._stemmer.stemWord(word)
            if len(self._stems) < 500_000:
                self._stems[word] = known
        return known
