"""Drawings of models: what they show, where it stands, and the two ways to draw it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path
from typing import Any

import cornu as keras
import pytest
from cornu import layers
from cornu.utils.drawing import api
from cornu.utils.drawing.diagram import Options, diagram_of
from cornu.utils.drawing.layout import arrange

SVG = "{http://www.w3.org/2000/svg}"


def network() -> keras.Model:
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    hidden = layers.Dense(3, "relu", name="hidden")(a)
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(5, name="deep"), layers.Dropout(0.1)], name="inner")
    joined = layers.Concatenate(name="join")([inner(hidden), b, hidden])
    fixed = layers.Dense(2, name="fixed", trainable=False)
    return keras.Model([a, b], [layers.Dense(1, name="first")(joined), fixed(hidden * 2.0)])


@pytest.fixture(autouse=True)
def _no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_has_graphviz", lambda: False)


def named(model: Any, **options: Any) -> tuple[dict[str, Any], set[tuple[str, str]]]:
    """Boxes by title and arrows between titles."""
    diagram = diagram_of(model, Options(**options))
    titles = {box.key: box.title.split(" ")[0] for box in diagram.boxes}
    return {titles[box.key]: box for box in diagram.boxes}, {(titles[a], titles[b]) for a, b in diagram.arrows}


def test_boxes_and_arrows_of_a_graph() -> None:
    boxes, arrows = named(network(), shapes=True, dtype=True, activations=True, trainable=True)
    multiply = next(name for name in boxes if name.startswith("multiply"))
    assert arrows == {
        ("a", "hidden"), ("hidden", "inner"), ("inner", "join"), ("b", "join"), ("hidden", "join"),
        ("join", "first"), ("hidden", multiply), (multiply, "fixed"),
    }  # fmt: skip
    assert boxes["hidden"].title == "hidden (Dense)"
    assert boxes["hidden"].rows == (
        "Activation: relu", "Input shape: (None, 4)", "Output shape: (None, 3)", "Output dtype: float32", "Trainable",
    )  # fmt: skip
    assert boxes["join"].rows[0] == "Input shape: (None, 5), (None, 3), (None, 3)"
    assert boxes["fixed"].rows[-1] == "Non-trainable"
    assert boxes["a"].rows == ("Output shape: (None, 4)", "Output dtype: float32")


def test_inner_models_become_frames() -> None:
    diagram = diagram_of(network(), Options(expand_nested=True))
    titles = {box.key: box.title.split(" ")[0] for box in diagram.boxes}
    arrows = {(titles[a], titles[b]) for a, b in diagram.arrows}
    dropout = next(title for title in titles.values() if title.startswith("dropout"))
    assert {("hidden", "deep"), ("deep", dropout), (dropout, "join")} <= arrows
    assert list(diagram.frames.values()) == ["inner"]
    assert {titles[box.key] for box in diagram.boxes if box.frames} == {"deep", dropout}


def test_a_subclass_is_one_box() -> None:
    class Own(keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs

    model = Own(name="own")
    with pytest.raises(ValueError, match="own cannot be drawn: it isn't built"):
        keras.utils.plot_model(model)
    model.build((None, 2))
    assert [box.title for box in diagram_of(model, Options()).boxes] == ["own (Own)"]


@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
def test_boxes_do_not_overlap_and_arrows_lead_one_way(rankdir: str) -> None:
    diagram = diagram_of(network(), Options(shapes=True))
    layout = arrange(diagram, rankdir)
    places = [layout.places[box.key] for box in diagram.boxes]
    for one, other in combinations(places, 2):
        apart = abs(one.x - other.x) >= (one.width + other.width) / 2
        assert apart or abs(one.y - other.y) >= (one.height + other.height) / 2
    assert all(p.width / 2 <= p.x <= layout.width - p.width / 2 for p in places)
    for before, after in diagram.arrows:
        x = layout.places[after].x - layout.places[before].x
        y = layout.places[after].y - layout.places[before].y
        assert {"TB": y, "BT": -y, "LR": x, "RL": -x}[rankdir] > 0


@pytest.mark.parametrize("splines", ["ortho", "curved", "line"])
def test_the_svg_holds_it_all(tmp_path: Path, splines: str) -> None:
    drawing = keras.utils.plot_model(
        network(), tmp_path / "model.svg", show_layer_names=True, expand_nested=True, splines=splines, dpi=100
    )
    root = ElementTree.fromstring(drawing.path.read_text())
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {"hidden (Dense)", "deep (Dense)", "inner", "join (Concatenate)"} <= texts
    arrows = [path for path in root.iter(f"{SVG}path") if path.get("class") == "arrow"]
    assert len(arrows) == 9
    mark = {"ortho": "V", "curved": "C", "line": "L"}[splines]
    assert all(mark in str(path.get("d")) for path in arrows)
    assert float(str(root.get("width"))) == pytest.approx(float(str(root.get("viewBox")).split()[2]) / 2, abs=0.1)
    assert drawing._repr_svg_() == drawing.svg


def test_other_formats_without_graphviz_become_svg(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawing = keras.utils.plot_model(network(), tmp_path / "model.png")
    assert drawing.path == tmp_path / "model.svg"
    assert "without Graphviz" in capsys.readouterr().out
    assert not (tmp_path / "model.png").exists()


def test_dot() -> None:
    pytest.importorskip("pydot")
    dot = keras.utils.model_to_dot(network(), show_shapes=True, expand_nested=True, rankdir="LR")
    assert dot.get_rankdir() == "LR"
    assert len(dot.get_edges()) == 9
    (cluster,) = dot.get_subgraphs()
    assert len(cluster.get_nodes()) == 2
    assert "Input shape: (None, 4)" in dot.to_string()
    assert type(keras.utils.model_to_dot(network(), subgraph=True)).__name__ == "Cluster"


def test_dot_without_pydot_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_pydot", lambda: None)
    with pytest.raises(ImportError, match=r"pip install 'cornu\[plot\]'"):
        keras.utils.model_to_dot(network())


@pytest.mark.parametrize("arguments", [{"rankdir": "XX"}, {"splines": "wild"}, {"layer_range": 3}])
def test_unknown_arguments_are_refused(arguments: dict[str, Any]) -> None:
    for draw in (keras.utils.plot_model, keras.utils.model_to_dot):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            draw(network(), **arguments)
