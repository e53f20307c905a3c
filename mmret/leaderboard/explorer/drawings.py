"""Summaries as SVG that stands inside a page: legible at a phone's width, in colours that the page's style names.

Series n has the class `s<n>` (n < `COLOURS`), kind n of answer the class `k<n>`; text and lines take the page's colour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from .summaries import Curve, Histogram

WIDTH = 360  # of all drawings, in units of which a letter is about 6 wide
COLOURS = 8
DASHES = ("", "7 3", "2 3", "9 3 2 3")  # tell systems apart where colours do not


def histogram_drawing(histogram: Histogram, names: Sequence[str]) -> Markup:
    """Share of queries at each rank, one strip of bars a system."""
    shares = histogram.counts / np.maximum(histogram.counts.sum(axis=1, keepdims=True), 1)
    strip, left = 92, 8
    step = (WIDTH - 2 * left) / len(histogram.labels)
    svg = _drawing(strip * len(names) + 34, f"Ranks of the best right document. {_histogram_words(histogram, names)}")
    for row, name in enumerate(names):
        floor = strip * row + strip - 4
        _text(svg, left, strip * row + 13, _short(name), class_="name")
        for i, share in enumerate(shares[row].tolist()):
            height = 52 * share / shares.max()
            x = left + i * step
            bar = _add(svg, "rect", x=x + 1, y=floor - height, width=step - 2, height=height, class_=_series(row))
            tip = f"{name}: {histogram.counts[row, i]:,} queries at rank {histogram.labels[i]}"
            _add(bar, "title").text = tip
            _text(svg, x + step / 2, floor - height - 3, _percent(share), anchor="middle", class_="small")
        _add(svg, "line", x1=left, x2=WIDTH - left, y1=floor, y2=floor, class_="axis")
    for i, tick in enumerate(histogram.ticks):
        _text(svg, left + (i + 0.5) * step, strip * len(names) + 10, tick, anchor="middle", class_="small")
    _text(svg, WIDTH / 2, strip * len(names) + 27, "rank, up to; % of queries", anchor="middle")
    return _markup(svg)


def _histogram_words(histogram: Histogram, names: Sequence[str]) -> str:
    words = []
    for name, counts in zip(names, histogram.counts, strict=True):
        half = int(np.searchsorted(counts.cumsum(), counts.sum() / 2))
        words.append(
            f"{name}: {counts[0] / counts.sum():.1%} at rank 1, half of the queries at rank {histogram.labels[half]} "
            "or better."
        )
    return " ".join(words)


def curves_drawing(curves: Mapping[str, Curve], chance: NDArray[np.float64], measure: str) -> Markup:
    """Success or recall at k against k, with 95 % bands; `chance` float64 `(deepest,)`."""
    left, top, right, bottom = 40, 10, WIDTH - 12, 250
    deepest = len(chance)
    highest = min(1.0, math.ceil(5 * max(float(curve.high.max()) for curve in curves.values())) / 5)

    def point(k: float, value: float) -> str:
        x = left + (right - left) * (math.log(k) / math.log(deepest) if deepest > 1 else 0.5)
        return f"{x:.1f},{bottom - (bottom - top) * min(value, highest) / highest:.1f}"

    words = " ".join(
        f"{name}: {curve.values[0]:.1%} at k = 1, {curve.values[min(9, deepest - 1)]:.1%} at {min(10, deepest)}, "
        f"{curve.values[-1]:.1%} at {deepest}."
        for name, curve in curves.items()
    )
    svg = _drawing(bottom + 44 + 17 * (len(curves) + 1), f"{measure}@k for k = 1 to {deepest}. {words}")
    for tenth in range(round(highest * 5) + 1):
        x, y = point(1, tenth / 5).split(",")
        _add(svg, "line", x1=x, x2=right, y1=y, y2=y, class_="grid")
        _text(svg, left - 6, float(y) + 4, f"{20 * tenth} %", anchor="end", class_="small")
    for k in (k for k in (1, 2, 5, 10, 20, 50, 100) if k <= deepest):
        _text(svg, float(point(k, 0).split(",")[0]), bottom + 15, str(k), anchor="middle", class_="small")
    _text(svg, (left + right) / 2, bottom + 32, "k, logarithmic", anchor="middle")
    for row, (name, curve) in enumerate(curves.items()):
        knots = list(zip(curve.places.tolist(), curve.low.tolist(), curve.high.tolist(), strict=True))
        band = [point(k, high) for k, _, high in knots] + [point(k, low) for k, low, _ in reversed(knots)]
        _add(svg, "polygon", points=" ".join(band), class_=f"band {_series(row)}")
        line = " ".join(point(k, value) for k, value in enumerate(curve.values.tolist(), 1))
        _add(svg, "polyline", points=line, class_=f"curve {_series(row)}", stroke_dasharray=_dash(row))
        _key(svg, bottom + 54 + 17 * row, _series(row), _dash(row), name)
    line = " ".join(point(k, value) for k, value in enumerate(chance.tolist(), 1))
    _add(svg, "polyline", points=line, class_="curve chance", stroke_dasharray="1 3")
    _key(svg, bottom + 54 + 17 * len(curves), "chance", "1 3", "by chance")
    return _markup(svg)


def errors_drawing(shares: NDArray[np.float64], kinds: Sequence[str], names: Sequence[str]) -> Markup:
    """Kinds of answers as one stacked bar a system; `shares` float64 `(systems, kinds)`, each row sums to 1."""
    left, span, strip = 8, WIDTH - 16, 46
    words = " ".join(
        f"{name}: " + ", ".join(f"{kind} {share:.1%}" for kind, share in zip(kinds, row, strict=True) if share) + "."
        for name, row in zip(names, shares.tolist(), strict=True)
    )
    below = strip * len(names)
    svg = _drawing(below + 10 + 18 * math.ceil(len(kinds) / 3), f"Kinds of answers. {words}")
    for row, name in enumerate(names):
        _text(svg, left, strip * row + 13, _short(name), class_="name")
        edges = left + span * np.concatenate([[0.0], shares[row].cumsum()])
        for kind, (start, end) in enumerate(pairwise(edges.tolist())):
            bar = _add(svg, "rect", x=start, y=strip * row + 19, width=end - start, height=20, class_=f"k{kind}")
            _add(bar, "title").text = f"{name}: {kinds[kind]}, {shares[row, kind]:.1%} of the queries"
            if end - start > 22:
                middle = (start + end) / 2
                label = _percent(shares[row, kind])
                _text(svg, middle, strip * row + 33, label, anchor="middle", class_=f"small on-k{kind}")
    for kind, name in enumerate(kinds):
        x, y = left + (kind % 3) * span / 3, below + 6 + 18 * (kind // 3)
        _add(svg, "rect", x=x, y=y, width=11, height=11, class_=f"k{kind}")
        _text(svg, x + 16, y + 10, name)
    return _markup(svg)


def wave_drawing(wave: Sequence[float]) -> Markup:
    """A waveform, silence as a line; loudness 0 … 1 for each of equal parts."""
    loud = max(wave, default=0.0)
    words = "no sound can be heard" if loud < 0.001 else f"waveform, loudest sample {loud:.2f} of 1"
    svg = _drawing(40, words, 4 * len(wave))
    svg.set("preserveAspectRatio", "none")
    for i, value in enumerate(wave):
        height = 1 + 38 * value
        _add(svg, "rect", x=4 * i + 0.5, y=20 - height / 2, width=3, height=height, class_="wave")
    return _markup(svg)


def _drawing(height: float, words: str, width: float = WIDTH) -> ET.Element:
    return ET.Element("svg", {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "aria-label": words})


def _add(parent: ET.Element, tag: str, **attributes: float | str) -> ET.Element:
    """A child; a name's underscores are hyphens, one at its end is dropped."""
    texts = {
        name.rstrip("_").replace("_", "-"): value if isinstance(value, str) else f"{value:.1f}"
        for name, value in attributes.items()
        if value != ""
    }
    return ET.SubElement(parent, tag, texts)


def _text(parent: ET.Element, x: float, y: float, text: str, *, anchor: str = "start", class_: str = "") -> None:
    _add(parent, "text", x=x, y=y, text_anchor=anchor, class_=class_).text = text


def _key(svg: ET.Element, y: float, colour: str, dash: str, name: str) -> None:
    _add(svg, "line", x1=40, x2=68, y1=y - 4, y2=y - 4, class_=f"curve {colour}", stroke_dasharray=dash)
    _text(svg, 76, y, _short(name))


def _series(row: int) -> str:
    return f"s{row % COLOURS}"


def _dash(row: int) -> str:
    return DASHES[row % len(DASHES)]


def _short(name: str) -> str:
    """What there is room for."""
    return name if len(name) <= 42 else f"{name[:41]}…"


def _percent(share: float) -> str:
    return "" if share == 0 else "<1" if share < 0.005 else f"{100 * share:.0f}"


def _markup(svg: ET.Element) -> Markup:
    return Markup(ET.tostring(svg, encoding="unicode"))
