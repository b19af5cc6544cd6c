"""No text makes a pattern slow: every regular expression in `bot/` reads 100 KB of anything within 100 ms.

The patterns are collected from the source, so that a new one is tried without anybody thinking of it.
"""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bot

ROOT = Path(bot.__file__).parent
SIZE, LIMIT_S = 100_000, 0.1
METHODS = ("search", "match", "fullmatch", "split", "sub", "subn", "findall", "finditer")
UNITS = (
    "a", "Ab ", " ", "\n", "1", "1 ", "1,", "1.1", "é", "the ", "a.", "a-", "a'", "’", "-", ".", "_", "([{", "{{a}",
    "\"'", "a@", "a@a.", "# ", "#W1", "1 Aa ", "http://", "https://a/", "javascript:", "if not ", "! ", "?!", "a1",
    "$1,000.", "1-1-1 ", "* ", "<a ", "[1] ")
SLOW = {                     # place → why, until it is mended
    "engine/claims/statements.py:_CITATION": "a run of spaces is tried from each of them",
    "engine/claims/statements.py:_END": "runs of marks and of spaces are tried from each of them",
    "engine/gate.py:_MARKUP": "an unclosed < is followed to the end from each of them",
    "llm/answerer.py:_CITATION": "a run of spaces is tried from each of them",
    "nlu/entities.py:_EMAIL": "64 characters are tried from each, underscores too",
}


@dataclass(frozen=True)
class Used:
    place: str
    pattern: re.Pattern[str]
    call: str

    def read(self, text: str) -> None:
        if self.call in ("match", "fullmatch"):
            getattr(self.pattern, self.call)(text)
        else:
            for _ in self.pattern.finditer(text):
                pass


def patterns_in(path: Path) -> Iterator[Used]:
    """Each pattern with each way it is used in its module."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    names = {id(n.value): n.targets[0].id for n in ast.walk(tree) if isinstance(n, ast.Assign)
             and isinstance(n.targets[0], ast.Name)}
    methods = {id(n.value): n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    for node in ast.walk(tree):
        if not _is_regex_call(node) or (text := _text(node.args[0], path)) is None:
            continue
        calls = {node.func.attr}
        if calls == {"compile"}:
            name = names.get(id(node), "")
            calls = {methods[id(node)]} if id(node) in methods else {
                m for m in METHODS if name and re.search(rf"\b{name}\.{m}\b", source)} or {"search"}
        for call in sorted("search" if c not in ("match", "fullmatch") else c for c in calls):
            place = f"{path.relative_to(ROOT)}:{names.get(id(node), node.lineno)}"
            yield Used(place, re.compile(text, _flags(node)), call)


def _is_regex_call(node: ast.AST) -> Any:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return False
    module = node.func.value
    return isinstance(module, ast.Name) and module.id == "re" and node.func.attr in ("compile", *METHODS)


def _text(node: ast.expr, path: Path) -> str | None:
    """The pattern as written; what is filled in at run time is a constant of its module or else some word."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else _filled(v, path) for v in node.values)
    return None


def _filled(node: Any, path: Path) -> str:
    name = node.value.id if isinstance(node.value, ast.Name) else ""
    if not name.startswith("_"):
        return "word"
    module = importlib.import_module(".".join(("bot", *path.relative_to(ROOT).with_suffix("").parts)))
    return str(getattr(module, name))


def _flags(node: ast.Call) -> re.RegexFlag:
    given = ast.unparse(ast.Tuple([*node.args[1:], *(k.value for k in node.keywords)], ast.Load()))
    return re.RegexFlag(sum({getattr(re, name) for name in re.findall(r"re\.([A-Z]+)", given)}))


def seconds(used: Used, unit: str, size: int) -> float:
    """Processor time; where it is too long, the best of three, for other work on the machine does not count."""
    text = (unit * (size // len(unit) + 1))[:size]
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        used.read(text)
        best = min(best, time.process_time() - start)
        if best * (SIZE / size) ** 2 < LIMIT_S or best > LIMIT_S * 3:
            break
    return best


def worst_case(used: Used, unit: str) -> float:
    """Seconds for 100 KB, worked out from a part where that is enough to tell: growth is seldom beyond the square."""
    small = seconds(used, unit, SIZE // 50)
    if small * 50 ** 2 < LIMIT_S or small > LIMIT_S:
        return small * 50 ** 2
    tenth = seconds(used, unit, SIZE // 10)
    grows_evenly = tenth < 8 * small and tenth * 10 < LIMIT_S / 2
    return tenth * 10 if grows_evenly else tenth * 100 if tenth > LIMIT_S / 5 else seconds(used, unit, SIZE)


def found_patterns() -> list[Any]:
    found = {(u.place, u.call): u for path in ROOT.rglob("*.py") for u in patterns_in(path)}
    return [pytest.param(u, id=f"{u.place}-{u.call}", marks=_marks(u)) for _, u in sorted(found.items())]


def _marks(used: Used) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xfail(reason=SLOW[used.place])] if used.place in SLOW else []


FOUND = found_patterns()


def test_the_patterns_were_found():
    assert len(FOUND) > 40
    places = {param.values[0].place for param in FOUND}
    assert "nlu/entities.py:_NAMES" in places
    assert places >= SLOW.keys()


@pytest.mark.parametrize("used", FOUND)
def test_a_pattern_reads_anything_quickly(used):
    slow = next(((unit, taken) for unit in UNITS if (taken := worst_case(used, unit)) > LIMIT_S), None)
    assert slow is None, f"{used.pattern.pattern!r}"
