"""Diagrams as SVG."""

from __future__ import annotations

from itertools import pairwise
from xml.sax.saxutils import escape

from cornu.utils.drawing.diagram import Box, Diagram
from cornu.utils.drawing.layout import LINE, PADDING, Layout, Place, arrange

_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {width} {height}" '
    'font-family="Helvetica, Arial, sans-serif" font-size="12">'
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 L8 4 L0 8 z"/></marker></defs><rect width="100%" height="100%" fill="white"/>'
)


def svg_of(diagram: Diagram, rankdir: str = "TB", splines: str = "ortho", dpi: float = 200) -> str:
    """A diagram as the text of an SVG file.

    Args:
        diagram: Boxes and arrows.
        rankdir: "TB", "BT", "LR" or "RL".
        splines: "ortho" for right angles, "line" or "polyline" for straight lines, "curved" or "spline" for curves.
        dpi: The size: 200 is the natural one.
    """
    layout = arrange(diagram, rankdir)
    scale = dpi / 200
    size = {"w": _n(layout.width * scale), "h": _n(layout.height * scale)}
    parts = [_HEAD.format(width=_n(layout.width), height=_n(layout.height), **size)]
    parts += [_frame(key, title, diagram, layout) for key, title in diagram.frames.items()]
    parts += [_arrow(chain, layout, rankdir, splines) for chain in layout.chains]
    parts += [_box(box, layout.places[box.key]) for box in diagram.boxes]
    return "\n".join([*parts, "</svg>", ""])


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _box(box: Box, place: Place) -> str:
    left, top = place.x - place.width / 2, place.y - place.height / 2
    head = LINE + PADDING / 2 if box.rows else place.height
    lines = [
        f'<g class="box"><rect x={_q(left)} y={_q(top)} width={_q(place.width)} height={_q(place.height)} '
        'rx="3" fill="white" stroke="black"/>',
        f'<rect x={_q(left)} y={_q(top)} width={_q(place.width)} height={_q(head)} rx="3"/>',
        f'<text x={_q(place.x)} y={_q(top + 15)} text-anchor="middle" fill="white">{escape(box.title)}</text>',
    ]
    for i, row in enumerate(box.rows):
        color = {"Trainable": "forestgreen", "Non-trainable": "firebrick"}.get(row, "black")
        y = top + head + 14 + LINE * i
        lines.append(f'<text x={_q(place.x)} y={_q(y)} text-anchor="middle" fill="{color}">{escape(row)}</text>')
    return "".join([*lines, "</g>"])


def _q(number: float) -> str:
    return f'"{_n(number)}"'


def _frame(key: str, title: str, diagram: Diagram, layout: Layout) -> str:
    """A dashed rectangle around the boxes of an inner model."""
    inside = [(layout.places[box.key], box.frames.index(key)) for box in diagram.boxes if key in box.frames]
    deepest = max(len(box.frames) for box in diagram.boxes if key in box.frames)
    margin = 4.0 * (deepest - inside[0][1]) + 2
    left = min(place.x - place.width / 2 for place, _ in inside) - margin
    right = max(place.x + place.width / 2 for place, _ in inside) + margin
    top = min(place.y - place.height / 2 for place, _ in inside) - margin - 10
    bottom = max(place.y + place.height / 2 for place, _ in inside) + margin
    return (
        f'<g class="frame"><rect x={_q(left)} y={_q(top)} width={_q(right - left)} height={_q(bottom - top)} '
        f'fill="none" stroke="gray" stroke-dasharray="4"/>'
        f'<text x={_q(left + 4)} y={_q(top + 10)} font-size="10" fill="gray">{escape(title)}</text></g>'
    )


def _arrow(chain: list[str], layout: Layout, rankdir: str, splines: str) -> str:
    upright = rankdir in ("TB", "BT")
    sign = 1 if rankdir in ("TB", "LR") else -1
    points = []
    for i, key in enumerate(chain):
        place = layout.places[key]
        half = (place.height if upright else place.width) / 2 * sign
        shift = half if i == 0 else -half
        points.append((place.x, place.y + shift) if upright else (place.x + shift, place.y))
    path = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for (x1, y1), (x2, y2) in pairwise(points):
        middle = (y1 + y2) / 2 if upright else (x1 + x2) / 2
        if splines == "ortho":
            path.append(f"V{_n(middle)}H{_n(x2)}V{_n(y2)}" if upright else f"H{_n(middle)}V{_n(y2)}H{_n(x2)}")
        elif splines in ("line", "polyline"):
            path.append(f"L{_n(x2)} {_n(y2)}")
        elif upright:
            path.append(f"C{_n(x1)} {_n(middle)} {_n(x2)} {_n(middle)} {_n(x2)} {_n(y2)}")
        else:
            path.append(f"C{_n(middle)} {_n(y1)} {_n(middle)} {_n(y2)} {_n(x2)} {_n(y2)}")
    return f'<path class="arrow" d="{"".join(path)}" fill="none" stroke="black" marker-end="url(#arrow)"/>'
