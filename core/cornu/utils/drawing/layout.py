"""Where boxes stand: in ranks along the arrows, and within a rank near what they are joined to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from cornu.utils.drawing.diagram import Box, Diagram

LETTER, LINE, PADDING, GAP, RANK_GAP = 7.0, 18.0, 10.0, 28.0, 40.0


@dataclass
class Place:
    """A box's centre and size, or those of a bend of an arrow that passes a rank."""

    x: float
    y: float
    width: float
    height: float


@dataclass
class Layout:
    """Places by key, arrows as chains of keys, and the size of it all."""

    places: dict[str, Place]
    chains: list[list[str]]
    width: float
    height: float


def size_of(box: Box) -> tuple[float, float]:
    """The width and height of a box, by its text."""
    longest = max(len(text) for text in (box.title, *box.rows))
    return longest * LETTER + 2 * PADDING, LINE * (1 + len(box.rows)) + PADDING


def arrange(diagram: Diagram, rankdir: str) -> Layout:
    """Places for all boxes.

    Args:
        diagram: Boxes and arrows.
        rankdir: The direction of the arrows: "TB", "BT", "LR" or "RL".
    """
    sideways = rankdir in ("LR", "RL")
    sizes = {box.key: size_of(box) for box in diagram.boxes}
    sizes = {key: (height, width) if sideways else (width, height) for key, (width, height) in sizes.items()}
    ranks, chains = _ranked(diagram)
    for key in {key for chain in chains for key in chain} - set(sizes):
        sizes[key] = (4.0, 0.0)
    _order(ranks, chains)
    places, width, height = _placed(ranks, sizes)
    if rankdir in ("BT", "RL"):
        for place in places.values():
            place.y = height - place.y
    if sideways:
        for place in places.values():
            place.x, place.y, place.width, place.height = place.y, place.x, place.height, place.width
        width, height = height, width
    return Layout(places, chains, width, height)


def _ranked(diagram: Diagram) -> tuple[list[list[str]], list[list[str]]]:
    """Keys by rank, the longest way from the start; an arrow over several ranks gets a bend in each."""
    depth = {box.key: 0 for box in diagram.boxes}
    for _ in diagram.boxes:
        moved = False
        for before, after in diagram.arrows:
            if depth[after] <= depth[before]:
                depth[after] = depth[before] + 1
                moved = True
        if not moved:
            break
    ranks: list[list[str]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for key, rank in depth.items():
        ranks[rank].append(key)
    chains = []
    for number, (before, after) in enumerate(diagram.arrows):
        chain = [before]
        for rank in range(depth[before] + 1, depth[after]):
            chain.append(f"bend {number} {rank}")
            ranks[rank].append(chain[-1])
        chains.append([*chain, after])
    return ranks, chains


def _order(ranks: list[list[str]], chains: list[list[str]]) -> None:
    """Sorts each rank by the mean position of the neighbours above, then below, a few times."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for chain in chains:
        for first, second in pairwise(chain):
            above.setdefault(second, []).append(first)
            below.setdefault(first, []).append(second)
    for sweep in range(6):
        down = sweep % 2 == 0
        neighbours = above if down else below
        for rank in ranks if down else reversed(ranks):
            position = {key: i / max(1, len(row) - 1) for row in ranks for i, key in enumerate(row)}
            means = {}
            for key in rank:
                near = [position[other] for other in neighbours.get(key, ())]
                means[key] = sum(near) / len(near) if near else position[key]
            rank.sort(key=lambda key: means[key])


def _placed(ranks: list[list[str]], sizes: dict[str, tuple[float, float]]) -> tuple[dict[str, Place], float, float]:
    widths = [sum(sizes[key][0] for key in rank) + GAP * (len(rank) - 1) for rank in ranks]
    total = max(widths, default=0.0) + 2 * GAP
    places: dict[str, Place] = {}
    y = GAP
    for rank, width in zip(ranks, widths, strict=True):
        height = max((sizes[key][1] for key in rank), default=0.0)
        x = (total - width) / 2
        for key in rank:
            wide, high = sizes[key]
            places[key] = Place(x + wide / 2, y + height / 2, wide, high)
            x += wide + GAP
        y += height + RANK_GAP
    return places, total, y - RANK_GAP + GAP
