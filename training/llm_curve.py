"""The loss over a training as a drawing (SVG). It knows points only."""

from __future__ import annotations

from collections.abc import Sequence

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 360, 56, 20, 16, 40
_POINTS = 240  # of the training's curve, each the mean of those it stands for
_STYLE = "font:12px sans-serif;fill:#444"


def curve_svg(train: Sequence[Sequence[float]], validation: Sequence[Sequence[float]]) -> str:
    """`train` and `validation` begin with step and loss each."""
    thin, looked = _thinned(train), [(row[0], row[1]) for row in validation]
    losses = [y for _, y in thin + looked] or [1.0]
    low, high = min(losses), max(losses)
    high = high if high > low else low + 1
    last = max([x for x, _ in thin + looked] or [1.0])

    def place(x: float, y: float) -> str:
        across = _LEFT + (_WIDTH - _LEFT - _RIGHT) * x / last
        down = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - y) / (high - low)
        return f"{across:.1f},{down:.1f}"

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Loss over steps">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for part in range(5):
        y = low + (high - low) * part / 4
        across, down = place(0, y).split(",")
        lines.append(f'<line x1="{across}" x2="{_WIDTH - _RIGHT}" y1="{down}" y2="{down}" stroke="#e4e4e4"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{float(down) + 4:.1f}" text-anchor="end" style="{_STYLE}">{y:.2f}</text>')
    for part in range(5):
        x = last * part / 4
        across = place(x, low).split(",")[0]
        lines.append(f'<text x="{across}" y="{_HEIGHT - 20}" text-anchor="middle" style="{_STYLE}">{x:.0f}</text>')
    lines.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 4}" text-anchor="middle" style="{_STYLE}">step</text>')
    for points, colour, name, at in ((thin, "#3b6fb6", "training", 0), (looked, "#c4572e", "validation", 1)):
        if points:
            drawn = " ".join(place(x, y) for x, y in points)
            lines.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
            lines.append(f'<text x="{_WIDTH - 100}" y="{_TOP + 14 + 16 * at}" style="{_STYLE};fill:{colour}">{name}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _thinned(rows: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """(step, loss), neighbours averaged where there are many."""
    size = max(1, len(rows) // _POINTS)
    parts = [rows[i : i + size] for i in range(0, len(rows), size)]
    return [(part[-1][0], sum(row[1] for row in part) / len(part)) for part in parts]
