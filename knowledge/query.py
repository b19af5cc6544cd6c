"""Parses a shopper's query: what must hold (price, options, brand, category, stock, what it must not be) and the rest.

It knows a lexicon's words and the shop's vocabulary; it looks nothing up and ranks nothing.
What was named without a cue ("red", "Norda") is reported as `unsure`: the retriever keeps it where it can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from knowledge.amounts import Phrase, PriceReader, Words, phrases
from knowledge.analysis import Analyzer, fold, squeeze
from knowledge.lexicon import Lexicon
from knowledge.ports import Constraints
from knowledge.vocabulary import MAX_VALUE_WORDS, Vocabulary, stem_key

MAX_QUERY = 600           # characters that are read; longer messages are stories, not filters
_TOKEN = re.compile(r"[<>]=?|[$€£¥~%–]|\d+(?:[.,]\d+)*(?!\w)|[^\W_]+(?:['’./\-][^\W_]+)*|[-,;:.!?]")
_GLUED = re.compile(r"(\d+(?:[.,]\d+)?)([^\W\d]+)")
_STOPS = {",", ";", ":", ".", "!", "?"}
_SURE_BRAND = 88          # rapidfuzz ratio from which a misspelt brand is taken for meant

ANY = "*"                 # an option whose name was not said


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """`text` is what to search for; `head` the noun that says what is wanted, stemmed ("" when unknown)."""

    text: str
    constraints: Constraints
    unsure: tuple[str, ...] = ()      # of "brand", "category", "option:NAME=VALUE"
    head: str = ""


class QueryParser:
    """Thread-safe; built once per vocabulary."""

    def __init__(self, lexicon: Lexicon, vocabulary: Vocabulary, analyzer: Analyzer) -> None:
        self._analyzer, self._vocabulary = analyzer, vocabulary
        self._price = PriceReader(lexicon)
        self._in_stock = phrases(lexicon.words("in_stock"))
        self._not_before = phrases(lexicon.words("negation", "before"))
        self._not_after = set(lexicon.words("negation", "after"))
        self._joiners, self._skip = set(lexicon.words("negation", "joiner")), set(lexicon.words("negation", "skip"))
        self._idle, self._breaks = set(lexicon.words("negation", "idle")), set(lexicon.words("breaks"))
        self._cues, self._brand_cues = phrases(lexicon.words("option_cues")), phrases(lexicon.words("brand_cues"))
        self._for, self._head_last = set(lexicon.words("for_words")), lexicon.text("head", default="last") == "last"
        self._aliases = {name: str(meant) for name, meant in lexicon.table("option_aliases").items()}
        self._currencies = set(lexicon.words("price", "currencies"))
        self._stopwords = set(lexicon.words("stopwords"))

    def parse(self, query: str) -> ParsedQuery:
        words = Words.of(self._tokens(query))
        low, high = self._price.read(words)
        in_stock = self._read_stock(words)
        excluded = self._read_negations(words)
        head = self._head(words)
        brands, brand_sure = self._read_brand(words)
        options, bare = self._read_options(words)
        categories = self._read_category(words)
        unsure = [f"option:{name}={value}" for name, value in bare]
        unsure += [name for name, doubt in (("brand", brands and not brand_sure), ("category", categories)) if doubt]
        constraints = Constraints(low, high, categories, brands, options, excluded, in_stock)
        left = (word for word, used in zip(words.words, words.used, strict=True) if not used and word not in _STOPS)
        text = " ".join(left)
        return ParsedQuery(text or (query.strip() if constraints.empty else ""), constraints, tuple(unsure), head)

    def _tokens(self, query: str) -> list[str]:
        found: list[str] = []
        for token in _TOKEN.findall(fold(query[:MAX_QUERY])):
            glued = _GLUED.fullmatch(token)
            found.extend(glued.groups() if glued and glued[2] in self._currencies else [token])
        return found

    def _read_stock(self, words: Words) -> bool:
        seen = False
        for position in range(len(words)):
            if (length := words.first(position, self._in_stock)) and not self._asks(words, position):
                words.use(position, position + length)
                seen = True
        return seen

    def _asks(self, words: Words, position: int) -> bool:
        """A negated "in stock" is no wish for stock ("why is it not in stock")."""
        return position > 0 and (words.words[position - 1],) in self._not_before

    def _read_negations(self, words: Words) -> tuple[str, ...]:
        excluded: list[str] = []
        for position in range(len(words)):
            excluded += self._excluded_at(words, position)
            compound = re.split(r"-", words.words[position])
            if not words.used[position] and len(compound) == 2 and all(compound):
                first, last = compound
                if last in self._not_after or (first,) in self._not_before:
                    excluded.append(first if last in self._not_after else last)
                    words.use(position, position + 1)
        return tuple(dict.fromkeys(excluded))

    def _excluded_at(self, words: Words, position: int) -> list[str]:
        length = words.first(position, self._not_before)
        if not length:
            return []
        excluded, start = [], position + length
        while True:
            while start < len(words) and words.words[start] in self._skip:
                start += 1
            end = self._phrase_end(words, start)
            if end == start:
                break
            excluded.append(" ".join(words.words[start:end]))
            words.use(position, end)
            if end >= len(words) or words.words[end] not in self._joiners:
                break
            start = end + 1
        return excluded

    def _phrase_end(self, words: Words, start: int) -> int:
        """Where the excluded phrase ends: a phrase of the shop's, else one word; `start` when nothing can be meant."""
        if start >= len(words) or words.used[start] or words.words[start] in _STOPS | self._idle:
            return start
        for size in range(MAX_VALUE_WORDS, 1, -1):
            key = squeeze(" ".join(words.words[start:start + size]))
            if len(words) >= start + size and (key in self._vocabulary.values or key in self._vocabulary.brands):
                return start + size
        return start + 1 if squeeze(words.words[start]) and words.words[start] not in self._breaks else start

    def _read_brand(self, words: Words) -> tuple[tuple[str, ...], bool]:
        """The brand named, and whether a cue makes it sure. After "for" it is what the thing fits, not who made it."""
        for start, end, known in self._known(words, lambda key: self._brand(key, fuzzy=False), shortest=2):
            return self._take_brand(words, start, end, known)
        for start in range(len(words)):
            word = words.words[start]
            if words.used[start] or len(word) < 5 or word in self._stopwords or self._is_known(word):
                continue
            if name := self._brand(squeeze(word), fuzzy=True):
                words.words[start] = fold(name)
                return self._take_brand(words, start, start + 1, name)
        return (), False

    def _take_brand(self, words: Words, start: int, end: int, name: str) -> tuple[tuple[str, ...], bool]:
        before = words.words[start - 1] if start else ""
        if before in self._for:
            return (), False
        cued = any(words.at(start - len(cue), cue) for cue in self._brand_cues if start >= len(cue))
        cued = cued or (end < len(words) and (words.words[end],) in self._brand_cues)
        return (name,), cued

    def _brand(self, key: str, *, fuzzy: bool) -> str | None:
        if not fuzzy:
            return self._vocabulary.brands.get(key)
        near = [known for known in self._vocabulary.brands if known[:1] == key[:1] and abs(len(known) - len(key)) <= 2]
        found = process.extractOne(key, near, scorer=fuzz.ratio, score_cutoff=_SURE_BRAND)
        return self._vocabulary.brands[found[0]] if found else None

    def _is_known(self, word: str) -> bool:
        key = squeeze(word)
        return key in self._vocabulary.values or stem_key(word, self._analyzer) in self._vocabulary.categories

    def _known(self, words: Words, look: Callable[[str], str | None], *, shortest: int) -> list[tuple[int, int, str]]:
        """Longest phrases first: (start, end, what `look` knows it as)."""
        found = []
        for size in range(MAX_VALUE_WORDS, 0, -1):
            for start in range(len(words) - size + 1):
                part = words.words[start:start + size]
                key = squeeze("".join(part))
                if any(words.used[start:start + size]) or len(key) < shortest or _STOPS & set(part):
                    continue
                if (size > 1 or part[0] not in self._stopwords) and (name := look(key)):
                    found.append((start, start + size, name))
        return found

    def _read_options(self, words: Words) -> tuple[tuple[tuple[str, str], ...], list[tuple[str, str]]]:
        """All (option, value) pairs, and those of them that no cue announced."""
        pairs: list[tuple[str, str]] = []
        bare: list[tuple[str, str]] = []
        taken = [False] * len(words)
        values = self._vocabulary.values
        for start, end, _ in self._known(words, lambda key: key if key in values else None, shortest=1):
            if any(taken[start:end]) or self._is_noun(words, start, end):
                continue
            value = " ".join(words.words[start:end])
            names = values[squeeze(value)]
            named, span = self._named_option(words, start, end, names)
            cued = bool(named) or any(words.at(start - len(cue), cue) for cue in self._cues if start >= len(cue))
            if not cued and (len(squeeze(value)) < 3 or value.replace(" ", "").isdigit()):
                continue   # "m" and "42" alone may be anything
            pair = (named or (names[0] if len(names) == 1 else ANY), value)
            pairs.append(pair)
            for i in range(start, end):
                taken[i] = True
            if cued:
                words.use(*span)
            else:
                bare.append(pair)
        return tuple(dict.fromkeys(pairs)), bare

    def _is_noun(self, words: Words, start: int, end: int) -> bool:
        """ "laptop" is what is wanted, though some bag has a compartment of that name."""
        word = words.words[start]
        return end - start == 1 and self._vocabulary.is_noun(self._analyzer.stem(word), squeeze(word))

    def _named_option(self, words: Words, start: int, end: int, names: list[str]) -> tuple[str, tuple[int, int]]:
        """The option's name where it stands beside the value ("size 42", "clicky switches"), and what it spans."""
        for name in names:
            for phrase in _spellings(name):
                value = start - 1 if start and words.words[start - 1] == ":" else start
                before = value - len(phrase)
                if before >= 0 and self._same(words.words[before:value], phrase):
                    return name, (before, end)
                if self._same(words.words[end:end + len(phrase)], phrase):
                    return name, (start, start)   # kept in the text: "red colour" loses nothing, "clicky switch" would
        return "", (start, start)

    def _same(self, said: list[str], phrase: Phrase) -> bool:
        stem = self._analyzer.stem
        return len(said) == len(phrase) and all(
            stem(self._aliases.get(a, a)) == stem(b) for a, b in zip(said, phrase, strict=True))

    def _read_category(self, words: Words) -> tuple[str, ...]:
        """A category only where it is what is wanted: it must end the first phrase ("trail shoes", not "shoe rack"),
        and no product that is called so may stand outside it."""
        start, end = self._first_phrase(words)
        for size in range(min(MAX_VALUE_WORDS, end - start), 0, -1):
            part = words.words[end - size:end] if self._head_last else words.words[start:start + size]
            name = self._vocabulary.categories.get(stem_key(" ".join(part), self._analyzer))
            if name and self._vocabulary.all_housed((self._analyzer.terms(name) or [""])[-1]):
                return (name,)
        return ()

    def _head(self, words: Words) -> str:
        start, end = self._first_phrase(words)
        if start == end:
            return ""
        terms = self._analyzer.terms(words.words[end - 1 if self._head_last else start])
        return terms[-1] if terms else ""

    def _first_phrase(self, words: Words) -> tuple[int, int]:
        start = 0
        while start < len(words) and (words.used[start] or words.words[start] in self._stopwords | _STOPS):
            start += 1
        end = start
        while end < len(words) and not words.used[end] and words.words[end] not in self._breaks | _STOPS:
            end += 1
        return start, end


def _spellings(name: str) -> list[Phrase]:
    """ "switch type" is also said as "switch"."""
    whole = tuple(fold(name).replace("_", " ").replace("-", " ").split())
    return [whole, whole[:1]] if len(whole) > 1 else [whole]
