"""Draw what mmret tells of two models on omnicvr-mini, and write their figures into docs: `make picture`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import marks

from mmret.evaluation import Settings, evaluate

MODELS = ("tagbridge", "text")
PROTOCOLS = {"gallery-no-source": "source out", "gallery": "source in"}
MEASURES = ("R@1", "R@5")
SLICES = {
    "all": "all queries",
    "audio-center": "the sound changes",
    "visual-center": "the picture changes",
    "integrated": "both change",
}
WIDTH, LEFT, RIGHT, TOP = 800, 240, 630, 64
BLOCK, LANE, APART = 90, 36, 15  # heights of a slice, of a model in it, and between source out and source in
Scores = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Look:
    """Colours on a light or a dark page."""

    ink: str
    faint: str
    line: str
    models: Mapping[str, str]


LOOKS = {
    "light": Look("#1f2328", "#59636e", "#d1d9e0", {"tagbridge": "#c2571a", "text": "#1f6fb2"}),
    "dark": Look("#e6edf3", "#9aa4ae", "#3d444d", {"tagbridge": "#f0965a", "text": "#7db3e8"}),
}


def drawing(scores: Mapping[str, Scores], look: Look) -> str:
    """R@1 by slice as SVG: dots with intervals, full with the source out and hollow with it in, beside chance."""
    bottom = TOP + BLOCK * len(SLICES)
    parts = [_text(LEFT, 22, "R@1, % of queries, with 95 % interval", look.ink, size=15, weight=600)]
    parts += _legend(look)
    for tick in range(0, 101, 20):
        parts.append(f'<path d="M{_x(tick / 100):.1f} {TOP - 6}V{bottom}" stroke="{look.line}"/>')
        parts.append(_text(_x(tick / 100), bottom + 18, str(tick), look.faint, anchor="middle"))
    chance = scores["text"]["gallery-no-source"]["all"]["R@1"]["random"]
    dashes = 'stroke-width="1.5" stroke-dasharray="4 3"'
    parts.append(f'<path d="M{_x(chance):.1f} {TOP - 6}V{bottom}" stroke="{look.faint}" {dashes}/>')
    parts.append(_text(_x(chance), TOP - 12, f"chance {100 * chance:.1f}", look.faint, size=12))
    parts.append(_text(RIGHT + 24, TOP - 12, "gain over text alone", look.faint, size=12))
    for row, (label, words) in enumerate(SLICES.items()):
        top = TOP + BLOCK * row
        parts.append(f'<path d="M16 {top}H{WIDTH - 16}" stroke="{look.line}"/>')
        parts.append(_text(16, top + 40, words, look.ink, size=14, weight=600))
        parts.append(_text(16, top + 59, f"{label}, {scores['text']['gallery'][label]['n']}", look.faint, size=12))
        for lane, model in enumerate(MODELS):
            parts += _lane(scores[model], label, model, top + 16 + LANE * lane, look)
        best, blind = (100 * scores[model]["gallery-no-source"][label]["R@1"]["value"] for model in MODELS)
        gain = f"{best - blind:+.0f} points".replace("-", "−")
        parts.append(_text(RIGHT + 24, top + BLOCK / 2 + 5, gain, look.ink, size=15, weight=600))
    height, words = bottom + 34, "R@1 of two models on omnicvr-mini, by slice; the numbers stand on the page of models"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{words}" '
    fonts = 'font-family="system-ui, -apple-system, Segoe UI, Liberation Sans, sans-serif">'
    return "\n".join([head + fonts, *parts, "</svg>", ""])


def _lane(scores: Scores, label: str, model: str, y: float, look: Look) -> list[str]:
    """A model's two figures, one above the other."""
    colour = look.models[model]
    parts = [_text(LEFT - 12, y + 12, model, colour, anchor="end", weight=600)]
    for step, protocol in enumerate(PROTOCOLS):
        entry = scores[protocol][label]["R@1"]
        low, value, high = (_x(entry[name]) for name in ("low", "value", "high"))
        at, full = y + APART * step, protocol == "gallery-no-source"
        parts.append(f'<path d="M{low:.1f} {at}H{high:.1f}" stroke="{colour}" stroke-width="2" opacity="0.7"/>')
        parts.append(_dot(value, at, colour, full=full))
        parts.append(_text(high + 7, at + 4, f"{100 * entry['value']:.0f}", look.ink if full else look.faint, size=12))
    return parts


def _legend(look: Look) -> list[str]:
    """What full and hollow dots are."""
    parts = []
    for (words, full), x in zip(
        {"source out": True, "source in": False}.items(), (LEFT + 300, LEFT + 395), strict=True
    ):
        parts += [_dot(x, 17, look.ink, full=full), _text(x + 10, 22, words, look.ink)]
    return parts


def _dot(x: float, y: float, colour: str, *, full: bool) -> str:
    inside = colour if full else "none"
    return f'<circle cx="{x:.1f}" cy="{y}" r="4.2" fill="{inside}" stroke="{colour}" stroke-width="2"/>'


def _text(
    x: float, y: float, words: str, colour: str, *, size: int = 13, weight: int = 400, anchor: str = "start"
) -> str:
    place = f'x="{x:.1f}" y="{y}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}" font-size="{size}" font-weight="{weight}">{words}</text>'


def _x(share: float) -> float:
    return LEFT + (RIGHT - LEFT) * share


def table(scores: Mapping[str, Scores]) -> str:
    """One row a slice and model, chance first: R@1 and R@5, source out and in."""
    columns = [(protocol, measure) for protocol in PROTOCOLS for measure in MEASURES]
    headings = ["slice", "model", *(f"{measure}, {PROTOCOLS[protocol]}" for protocol, measure in columns)]
    rows: list[Sequence[str]] = [headings, ["---"] * len(headings)]
    everything = scores["text"]
    chance = [f"{100 * everything[protocol]['all'][measure]['random']:.1f}" for protocol, measure in columns]
    rows.append([f"all ({everything['gallery']['all']['n']})", "chance", *chance])
    for label in SLICES:
        for model in reversed(MODELS):
            first = f"{label} ({everything['gallery'][label]['n']})" if model == MODELS[-1] and label != "all" else ""
            cells = [marks.cell(scores[model][protocol][label][measure]) for protocol, measure in columns]
            rows.append([first, f"`{model}`", *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    """Evaluate, draw, and write."""
    settings = Settings(protocols=tuple(PROTOCOLS), measures=MEASURES, cost_items=0)
    scores = {model: evaluate("omnicvr-mini", model, settings, show=True).record["scores"] for model in MODELS}
    for name, look in LOOKS.items():
        (marks.PAGES / "assets" / f"omnicvr-mini-{name}.svg").write_text(drawing(scores, look), encoding="utf-8")
    marks.write("reference/models.md", "sources", "make picture", table(scores))


if __name__ == "__main__":
    main()
