"""`model_to_dot` and `plot_model`."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from cornu.utils.drawing.diagram import Box, Diagram, Options, diagram_of
from cornu.utils.drawing.svg import svg_of
from cornu.utils.io_utils import print_msg

RANKDIRS = ("TB", "BT", "LR", "RL")
SPLINES = ("ortho", "curved", "polyline", "spline", "line")


@dataclass(frozen=True)
class Drawing:
    """A drawing that a notebook shows.

    Attributes:
        path: The file.
        svg: Its text.
    """

    path: Path
    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


def _pydot() -> Any:
    try:
        import pydot
    except ImportError:
        return None
    return pydot


def _has_graphviz() -> bool:
    return _pydot() is not None and shutil.which("dot") is not None


def _check(rankdir: str, splines: str) -> None:
    for name, value, known in (("rankdir", rankdir, RANKDIRS), ("splines", splines, SPLINES)):
        if value not in known:
            raise ValueError(f"`{name}` must be one of {known}, got {value!r}.")


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """A model's graph for Graphviz.

    Args:
        model: A built model.
        show_shapes: Whether shapes are shown.
        show_dtype: Whether dtypes are shown.
        show_layer_names: Whether names stand before the classes of layers.
        rankdir: "TB" from top to bottom, "LR" from left to right; "BT" and "RL" the other way.
        expand_nested: Whether inner models are shown as frames around their layers.
        dpi: The resolution.
        subgraph: Whether to return a cluster, for use in another graph.
        show_layer_activations: Whether activations are shown.
        show_trainable: Whether to show which layers are trained.
        splines: "ortho", "curved", "polyline", "spline" or "line".
        kwargs: None.

    Returns:
        A `pydot.Dot`, or a `pydot.Cluster` with `subgraph`.

    Raises:
        ImportError: Without pydot; `plot_model` needs none.
        ValueError: If the model is not built or an argument is unknown.
    """
    _check(rankdir, splines)
    if kwargs:
        raise ValueError(f"model_to_dot does not know the argument(s) {', '.join(kwargs)}.")
    options = Options(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable, expand_nested)
    diagram = diagram_of(model, options)
    pydot = _pydot()
    if pydot is None:
        raise ImportError("model_to_dot needs pydot: pip install 'cornu[plot]'. plot_model draws an SVG without it.")
    if subgraph:
        dot = pydot.Cluster(_quoted(model.name), label=_quoted(model.name), style="dashed", labeljust="l")
    else:
        dot = pydot.Dot(rankdir=rankdir, concentrate=True, dpi=dpi, splines=splines)
        dot.set_node_defaults(shape="plaintext", fontname="Helvetica")
    _fill(dot, diagram, pydot)
    return dot


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "'") + '"'


def _fill(dot: Any, diagram: Diagram, pydot: Any) -> None:
    clusters: dict[str, Any] = {}
    parents: dict[str, str | None] = {}
    for key, title in diagram.frames.items():
        clusters[key] = pydot.Cluster(_quoted(key), label=_quoted(title), style="dashed", labeljust="l")
    for box in diagram.boxes:
        for outer, inner in zip((None, *box.frames), box.frames, strict=False):
            parents.setdefault(inner, outer)
        holder = clusters[box.frames[-1]] if box.frames else dot
        holder.add_node(pydot.Node(_quoted(box.key), label=_label(box)))
    for key in reversed(list(parents)):
        outer = parents[key]
        (dot if outer is None else clusters[outer]).add_subgraph(clusters[key])
    for before, after in diagram.arrows:
        dot.add_edge(pydot.Edge(_quoted(before), _quoted(after)))


def _label(box: Box) -> str:
    color = {None: "white", True: "mistyrose", False: "honeydew"}[box.frozen]
    rows = "".join(f'<tr><td bgcolor="{color}">{escape(row)}</td></tr>' for row in box.rows)
    head = f'<tr><td bgcolor="black"><font color="white"><b>{escape(box.title)}</b></font></td></tr>'
    return f'<<table border="0" cellborder="1" cellspacing="0" cellpadding="6">{head}{rows}</table>>'


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """Draws a model's graph into a file.

    With Graphviz and pydot, the file's ending says the format. Without them the drawing is an SVG file of our own, and
    a file that was to be of another kind gets the ending ".svg", which is said.

    Args:
        model: A built model.
        to_file: The file.
        show_shapes: Whether shapes are shown.
        show_dtype: Whether dtypes are shown.
        show_layer_names: Whether names stand before the classes of layers.
        rankdir: "TB" from top to bottom, "LR" from left to right; "BT" and "RL" the other way.
        expand_nested: Whether inner models are shown as frames around their layers.
        dpi: The resolution.
        show_layer_activations: Whether activations are shown.
        show_trainable: Whether to show which layers are trained.
        splines: "ortho", "curved", "polyline", "spline" or "line".
        kwargs: None.

    Returns:
        What a notebook shows: a `Drawing` for SVG, IPython's image for other formats where there is IPython, else None.

    Raises:
        ValueError: If the model is not built or an argument is unknown.

    Example:
        >>> import cornu, tempfile
        >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
        >>> plot_model(model, tempfile.mkdtemp() + "/model.svg").path.name
        'model.svg'
    """
    _check(rankdir, splines)
    if kwargs:
        raise ValueError(f"plot_model does not know the argument(s) {', '.join(kwargs)}.")
    path = Path(to_file)
    options = Options(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable, expand_nested)
    if path.suffix.lower() == ".svg" or not _has_graphviz():
        text = svg_of(diagram_of(model, options), rankdir, splines, dpi)
        target = path.with_suffix(".svg")
        target.write_text(text, encoding="utf-8")
        if target != path:
            print_msg(f"plot_model: without Graphviz and pydot the drawing is {target}, not {path}.")
        return Drawing(target, text)
    dot = model_to_dot(
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, False, show_layer_activations,
        show_trainable, splines,
    )  # fmt: skip
    dot.write(str(path), format=path.suffix[1:] or "png")
    return _shown(path)


def _shown(path: Path) -> Any:
    if path.suffix.lower() == ".pdf":
        return None
    try:
        from IPython import display
    except ImportError:
        return None
    return display.Image(filename=str(path))
