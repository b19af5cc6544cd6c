"""Draws a picture for each product: a motif of its kind, in the product's color, on its department's ground.

Everything is in data: `pictures.yml` says which kind has which motif, `motifs/` holds the drawings, whose colors are
names ("main", "dark", "wood"). The same product always looks the same. It knows no product by name.
"""

from __future__ import annotations

import colorsys
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from knowledge.models import Product

_NAMED = re.compile(r'(fill|stroke)="([a-z]+)"')
_INNER = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_PALE = 0.62                               # from this lightness on a thing needs a darker ground to stand out
_HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" '
         'stroke-linecap="round" stroke-linejoin="round" role="img">')


class Pictures:
    """`folder` holds pictures.yml and motifs/."""

    def __init__(self, folder: Path) -> None:
        self._rules: Mapping[str, Any] = yaml.safe_load((folder / "pictures.yml").read_text(encoding="utf-8"))
        drawings = {path.stem: path.read_text(encoding="utf-8") for path in sorted((folder / "motifs").glob("*.svg"))}
        self._motifs = {name: _inner(name, text) for name, text in drawings.items()}
        self._facing = {name for name, text in drawings.items() if 'data-facing="fixed"' in text}    # has writing on it
        self.draw = cache(self._draw)

    def of(self, product: Product, color: str = "") -> str:
        """The product as SVG; in its own color, or in one of the colors it comes in."""
        own = product.variants[0].options.get("color", "") if product.variants else ""
        offered = {v.options.get("color", "") for v in product.variants}
        return str(self.draw(self.motif(product), _department(product), color if color in offered else own,
                             _number(product.id)))

    def motif(self, product: Product) -> str:
        """By the end of its title, else by category, else by department."""
        kinds, title = self._rules["kinds"], product.title
        ends = [kind for kind in kinds if title == kind or title.endswith(f" {kind}")]
        if ends:
            return str(kinds[max(ends, key=len)])
        by_category = self._rules["categories"]
        found = next((by_category[c] for c in reversed(product.category) if c in by_category), None)
        return str(found or self._style(_department(product))["motif"])

    def department(self, name: str) -> str:
        """A department's own picture."""
        return str(self.draw(str(self._style(name)["motif"]), name, "", 1))

    def paint(self, color: str) -> str:
        """A color's value by its name; a neutral one for a name nobody knows."""
        return str(self._rules["colors"].get(color) or self._style("")["color"])

    def _style(self, department: str) -> Mapping[str, Any]:
        styles: Mapping[str, Mapping[str, Any]] = self._rules["departments"]
        return styles.get(department) or styles[""]

    def _draw(self, motif: str, department: str, color: str, number: int) -> str:
        style = self._style(department)
        main = self._rules["colors"].get(color) or style["color"]
        ground, round_ = style["ground"]
        if _lightness(main) > _PALE:
            ground, round_ = _toned(ground, -0.10), _toned(round_, -0.13)
        paints = self._rules["materials"] | _tones(main) | {"trim": _trim(style["trim"], main)}
        body = _NAMED.sub(lambda m: f'{m[1]}="{paints.get(m[2], m[2])}"', self._motifs[motif])
        return f'{_HEAD}{_backdrop(ground, round_, number)}{_placed(body, number, motif not in self._facing)}</svg>'


def _inner(name: str, text: str) -> str:
    found = _INNER.search(text)
    if found is None:
        raise ValueError(f"motif {name} is no SVG drawing")
    return found[1].replace("\n", "")


def _department(product: Product) -> str:
    return product.category[0] if product.category else ""


def _number(product_id: str) -> int:
    """A number that is the same for the same product everywhere."""
    return hashlib.blake2b(product_id.encode(), digest_size=2).digest()[0]


def _backdrop(ground: str, round_: str, number: int) -> str:
    """One of four backdrops and the shadow the thing stands in."""
    shapes = (
        f'<circle cx="120" cy="116" r="92" fill="{round_}"/>',
        f'<path fill="{round_}" d="M0 150q60-34 120-10t120-14v114H0z"/>',
        f'<path fill="{round_}" d="M40 240V118a80 80 0 0 1 160 0v122z"/>',
        f'<path fill="{round_}" d="M0 172h240v68H0z"/><circle cx="186" cy="58" r="30" fill="{round_}"/>',
    )
    return (f'<rect width="240" height="240" fill="{ground}"/>{shapes[number % 4]}'
            f'<ellipse cx="120" cy="199" rx="82" ry="7" fill="#1e2a24" fill-opacity=".13"/>')


def _placed(body: str, number: int, may_turn: bool) -> str:
    """A little smaller than the frame; every other one looks the other way."""
    flip = may_turn and number // 4 % 2
    matrix = "matrix(-.92 0 0 .92 230.4 14)" if flip else "matrix(.92 0 0 .92 9.6 14)"
    return f'<g transform="{matrix}">{body}</g>'


def _trim(trim: str, main: str) -> str:
    """The accent, made lighter or darker where it would drown in the main color."""
    near = sum(abs(a - b) for a, b in zip(_rgb(trim), _rgb(main), strict=True)) < 0.35
    return trim if not near else _toned(trim, 0.3 if _lightness(main) < 0.55 else -0.3)


def _tones(main: str) -> dict[str, str]:
    pale = _lightness(main) > _PALE
    return {"main": main, "dark": _toned(main, -0.09 if pale else -0.08), "light": _toned(main, 0.05 if pale else 0.11),
            "deep": _toned(main, -0.34 if pale else -0.17)}


def _toned(color: str, by: float) -> str:
    """Lighter (> 0) or darker by a share of full lightness."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(color))
    rgb = colorsys.hls_to_rgb(hue, min(0.97, max(0.09, lightness + by)), saturation)
    return "#" + "".join(f"{round(part * 255):02x}" for part in rgb)


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[i:i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _lightness(color: str) -> float:
    return colorsys.rgb_to_hls(*_rgb(color))[1]
