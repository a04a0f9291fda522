"""ONNX files made to do harm, or damaged, are refused with one reason, quickly, in little memory, touching nothing."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from cornu.ir.onnx import OnnxImportError
from cornu.models import from_onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

MOST_SECONDS = 5.0
MOST_KB = 500 * 1024
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
HUGE = 10**12

Build = Callable[[Path], Any]


def info(name: str, shape: Sequence[Any] = ("n", 4), kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def header(name: str, dims: Sequence[int], kind: int = FLOAT) -> TensorProto:
    return TensorProto(name=name, data_type=kind, dims=dims)


def array(name: str, values: Any, dtype: str = "float32") -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def ints(name: str, *values: int) -> TensorProto:
    return array(name, values, "int64")


def graph(
    nodes: Sequence[NodeProto],
    constants: Sequence[TensorProto] = (),
    inputs: Sequence[Any] | None = None,
    outputs: Sequence[str] = ("y",),
) -> GraphProto:
    proto = GraphProto(name="g", node=nodes, initializer=constants, input=[info("x")] if inputs is None else inputs)
    for name in outputs:
        proto.output.add(name=name)
    return proto


def model(*nodes: NodeProto, constants: Sequence[TensorProto] = (), opset: int = 18, **more: Any) -> ModelProto:
    proto = helper.make_model(graph(nodes, constants, **more), opset_imports=[helper.make_opsetid("", opset)])
    proto.ir_version = 8
    return proto


def node(op: str, inputs: str, outputs: str, **attributes: Any) -> NodeProto:
    return helper.make_node(op, inputs.split(), outputs.split(), name=op.lower(), **attributes)


def changed(change: Callable[[ModelProto], Any]) -> Build:
    """A sound model with something done to it."""

    def build(folder: Path) -> ModelProto:
        proto = sound(folder)
        change(proto)
        return proto

    return build


def sound(folder: Path) -> ModelProto:
    weights = [array("w", np.ones((4, 3))), array("b", np.zeros(3))]
    return model(node("MatMul", "x w", "h"), node("Add", "h b", "y"), constants=weights)


def with_attribute(op: str, attribute: AttributeProto, inputs: str = "x") -> Build:
    bad = node(op, inputs, "y")
    bad.attribute.append(attribute)
    return lambda folder: model(bad)


def attribute(name: str, kind: int, **fields: Any) -> AttributeProto:
    return AttributeProto(name=name, type=kind, **fields)  # type: ignore[arg-type]


def attribute_twice(folder: Path) -> ModelProto:
    proto = model(node("Softmax", "x", "y", axis=0))
    proto.graph.node[0].attribute.append(attribute("axis", AttributeProto.INT, i=1))
    return proto


# -- files beside the model ----------------------------------------------------------------------------------------


def external(location: str, dims: Sequence[int] = (4, 3), **entries: Any) -> Build:
    """A model whose weight lies in another file; 48 bytes of `data.bin` are there."""

    def build(folder: Path) -> ModelProto:
        (folder / "data.bin").write_bytes(bytes(48))
        (folder.parent / "secret.bin").write_bytes(bytes(48))
        for name, target in (("link.bin", folder.parent / "secret.bin"), ("way", folder.parent)):
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(target)
        if not (folder / "pipe").exists():
            os.mkfifo(folder / "pipe")
        weight = header("w", dims)
        weight.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            weight.external_data.add(key=key, value=str(value))
        return model(node("MatMul", "x w", "y"), constants=[weight])

    return build


def same_bytes_again(folder: Path) -> ModelProto:
    proto = external("data.bin")(folder)
    for i in range(50):
        copy = proto.graph.initializer.add()
        copy.CopyFrom(proto.graph.initializer[0])
        copy.name = f"w{i}"
    return proto


def in_a_constant(folder: Path) -> ModelProto:
    bad = node("Constant", "", "w", value=array("w", np.ones((4, 3))))
    bad.attribute[0].t.CopyFrom(external("../secret.bin")(folder).graph.initializer[0])
    return model(bad, node("MatMul", "x w", "y"))


# -- graphs in graphs, functions -----------------------------------------------------------------------------------


def nested(depth: int) -> Build:
    def build(folder: Path) -> ModelProto:
        body = graph([node("Identity", "x", "y")], inputs=[])
        other = graph([node("Neg", "x", "y")], inputs=[])
        for _ in range(depth):
            body = graph([node("If", "c", "y", then_branch=body, else_branch=other)], inputs=[])
        return model(node("If", "c", "y", then_branch=body, else_branch=other), inputs=[info("x"), info("c", (), BOOL)])

    return build


def bytes_nested_deep(folder: Path) -> bytes:
    """More levels than any parser should follow, built by hand: graph in attribute in node in graph."""
    body = b""
    for _ in range(2000):
        for number in (6, 5, 1):
            body = bytes([number << 3 | 2]) + varint(len(body)) + body
    return b"\x08\x08" + bytes([7 << 3 | 2]) + varint(len(body)) + body


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def many_empty_parts(folder: Path) -> bytes:
    """Two bytes a node: 20 MB that would be gigabytes of objects."""
    body = b"\x0a\x00" * 10_000_000
    return b"\x08\x08" + bytes([7 << 3 | 2]) + varint(len(body)) + body


def function(name: str, *nodes: NodeProto) -> onnx.FunctionProto:
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, ["a"], ["b"], list(nodes), opsets)


def call(name: str, inputs: str, outputs: str) -> NodeProto:
    return helper.make_node(name, inputs.split(), outputs.split(), domain="own")


def with_functions(*functions: onnx.FunctionProto) -> Build:
    def build(folder: Path) -> ModelProto:
        proto = model(call(functions[0].name, "x", "y"))
        proto.functions.extend(functions)
        proto.opset_import.append(helper.make_opsetid("own", 1))
        return proto

    return build


def doubling(levels: int) -> Build:
    inner = [function(f"f{i}", call(f"f{i + 1}", "a", "m"), call(f"f{i + 1}", "m", "b")) for i in range(levels)]
    return with_functions(*inner, function(f"f{levels}", node("Neg", "a", "b")))


# -- bombs ---------------------------------------------------------------------------------------------------------


def squared_sizes(folder: Path) -> ModelProto:
    """A number of repeats that is n, n², n⁴, ..."""
    nodes = [node("Shape", "x", "s0", start=0, end=1)]
    nodes += [node("Mul", f"s{i} s{i}", f"s{i + 1}") for i in range(40)]
    return model(*nodes, node("Expand", "v s40", "y"), constants=[array("v", [1.0])])


def summed_sizes(folder: Path) -> ModelProto:
    """A product of sums of different sizes has 2^24 terms."""
    sizes = [f"d{i}" for i in range(48)]
    nodes = [node("Shape", "x", "s")]
    nodes += [node("Slice", "s a0 a1", "left"), node("Slice", "s a1 a2", "right"), node("Add", "left right", "sums")]
    nodes += [node("ReduceProd", "sums", "p", keepdims=1), node("Expand", "v p", "y")]
    constants = [ints("a0", 0), ints("a1", 24), ints("a2", 48), array("v", [1.0])]
    return model(*nodes, constants=constants, inputs=[info("x", sizes)])


def squared_numbers(folder: Path) -> ModelProto:
    nodes = [node("Mul", f"k{i} k{i}", f"k{i + 1}") for i in range(40)]
    return model(*nodes, node("Expand", "v k40", "y"), constants=[ints("k0", 3), array("v", [1.0])])


def broadcast_sizes(folder: Path) -> ModelProto:
    """Shape arithmetic on [1000, 1, 1], [1, 1000, 1] and [1, 1, 1000]."""
    constants = [array(f"k{i}", np.arange(1000).reshape(np.roll([1000, 1, 1], i)), "int64") for i in range(3)]
    return model(node("Add", "k0 k1", "s"), node("Add", "s k2", "t"), node("Reshape", "x t", "y"), constants=constants)


def doubled_sizes(folder: Path) -> ModelProto:
    nodes = [node("Concat", f"k{i} k{i}", f"k{i + 1}", axis=0) for i in range(60)]
    return model(*nodes, node("Reshape", "x k60", "y"), constants=[ints("k0", 1)])


def flat(folder: Path) -> ModelProto:
    return model(node("ConstantOfShape", "s", "y"), constants=[ints("s", HUGE)])


def from_to(*numbers: int) -> Build:
    constants = [array(name, number, "int64") for name, number in zip("abc", numbers, strict=True)]
    return lambda folder: model(node("Range", "a b c", "y"), constants=constants)


def long_name_of_a_size(folder: Path) -> ModelProto:
    return model(node("Neg", "x", "y"), inputs=[info("x", ["(" * 90_000 + "n" + ")" * 90_000])])


def loops_forever(folder: Path) -> ModelProto:
    """Reads: it would run for as long as one lets it. Its body captures nothing."""
    body = graph([node("Identity", "go", "again"), node("Neg", "v", "w")], inputs=[], outputs=["again", "w"])
    body.input.extend([info("i", (), INT64), info("go", (), BOOL), info("v")])
    nothing = helper.make_node("Loop", ["", "", "x"], ["y"], name="loop", body=body)
    return model(nothing)


CASES: dict[str, tuple[Build, str]] = {
    # the message
    "empty": (lambda folder: b"", "is empty"),
    "text": (lambda folder: b"PK\x03\x04 this is no model, it is a text" * 10, "not an ONNX model"),
    "zeros": (lambda folder: bytes(100), "not an ONNX model, or damaged at byte"),
    "cut_off": (lambda folder: sound(folder).SerializeToString()[:-20], "cut off"),
    "cut_off_at_a_length": (lambda folder: b"\x08\x08\x3a\xff", "cut off"),
    "no_graph": (lambda folder: ModelProto(ir_version=8).SerializeToString(), "no graph"),
    "varint_without_end": (lambda folder: b"\x08" + b"\xff" * 40, "damaged at byte"),
    "bytes_nested_deep": (bytes_nested_deep, "nested more than 100 messages deep"),
    "many_empty_parts": (many_empty_parts, "more than 1000000 parts"),
    "larger_than_a_message": (lambda folder: 3 << 30, "a message has at most"),
    "two_gigabytes_of_nothing": (lambda folder: (1 << 31) - 1, "not an ONNX model"),
    "folder": (lambda folder: None, "is not a file"),
    # versions
    "no_opset": (changed(lambda m: m.ClearField("opset_import")), "one version of the standard operators"),
    "opset_of_tomorrow": (changed(lambda m: setattr(m.opset_import[0], "version", 10**9)), "1000000000; 1 to"),
    "opset_below_one": (changed(lambda m: setattr(m.opset_import[0], "version", -3)), "are of version -3"),
    "two_opsets": (changed(lambda m: m.opset_import.append(helper.make_opsetid("", 9))), r"says \[18, 9\]"),
    "ir_of_tomorrow": (changed(lambda m: setattr(m, "ir_version", 4_000)), r"ir_version\) is 4000"),
    "no_ir": (changed(lambda m: m.ClearField("ir_version")), r"ir_version\) is 0"),
    # names and order
    "cycle": (lambda folder: model(node("Add", "x b", "a"), node("Neg", "a", "b"), node("Neg", "b", "y")), "a cycle"),
    "reads_itself": (lambda folder: model(node("Add", "x y", "y")), "'y' is only defined after it"),
    "undefined": (lambda folder: model(node("Add", "x nowhere", "y")), "'nowhere' is not defined anywhere"),
    "undefined_output": (lambda folder: model(node("Neg", "x", "z")), "Nothing defines 'y'"),
    "defined_twice": (lambda folder: model(node("Neg", "x", "y"), node("Abs", "x", "y")), "'y' is defined already"),
    "input_defined_again": (lambda folder: model(node("Neg", "x", "x"), node("Neg", "x", "y")), "'x' is defined"),
    "same_constant_twice": (changed(lambda m: m.graph.initializer.append(array("w", [1.0]))), "'w' occurs more than"),
    "same_output_twice": (lambda folder: model(node("Neg", "x", "y"), outputs=["y", "y"]), "'y' occurs more than"),
    "no_outputs": (lambda folder: model(node("Neg", "x", "y"), outputs=[]), "no outputs"),
    "nameless_input": (lambda folder: model(node("Neg", "x", "y"), inputs=[info("x"), info("")]), "one has none"),
    # operators
    "unknown_domain": (
        lambda folder: model(
            helper.make_node("Run", ["x"], ["a"], domain="evil.com", name="first"), node("Magic", "a", "y")
        ),
        r"not supported: Magic \(magic\); evil.com.Run \(first\)",
    ),
    "too_few_inputs": (lambda folder: model(node("Add", "x", "y")), "Add node 'add': it must have 2 inputs, it has 1"),
    "too_many_inputs": (lambda folder: model(node("Neg", "x x x", "y")), "it must have 1 inputs, it has 3"),
    "too_many_outputs": (lambda folder: model(node("Neg", "x", "y z")), "must have 1 outputs, it has 2"),
    "missing_input": (
        lambda folder: model(helper.make_node("Add", ["", "x"], ["y"], name="add")),
        "Add node 'add': its input 'A' must be given",
    ),
    "attribute_of_another_type": (lambda folder: model(node("Softmax", "x", "y", axis=1.5)), "of type INT, got FLOAT"),
    "attribute_without_a_type": (with_attribute("Softmax", AttributeProto(name="axis", i=1)), "of type INT, got UNDEF"),
    "attribute_without_a_value": (with_attribute("Constant", attribute("value", 4), ""), "value has no value"),
    "attribute_twice": (
        attribute_twice,
        "'axis' occurs more than once",
    ),
    "attribute_that_is_none": (lambda folder: model(node("Neg", "x", "y", power=3)), "no attribute 'power'"),
    "attribute_missing": (lambda folder: model(node("Concat", "x x", "y")), r"lacks the attribute\(s\) axis"),
    "attribute_of_no_function": (
        with_attribute("Softmax", attribute("axis", 2, ref_attr_name="outer")),
        "refers to one of a function, and is in none",
    ),
    "nan_in_an_attribute": (lambda folder: model(node("Elu", "x", "y", alpha=math.nan)), "alpha is not a number"),
    "axis_beyond": (lambda folder: model(node("Softmax", "x", "y", axis=7)), "its axis 7 does not exist"),
    "permutation_of_a_million": (
        lambda folder: model(node("Transpose", "x", "y", perm=list(range(100_000)))),
        "Transpose node 'transpose'",
    ),
    "division_by_zero": (
        lambda folder: model(
            node("Div", "a b", "s"), node("Reshape", "x s", "y"), constants=[ints("a", 4), ints("b", 0)]
        ),
        "Div node 'div'",
    ),
    "negative_padding_of_everything": (
        lambda folder: model(node("Pad", "x p", "y"), constants=[ints("p", 0, -9, 0, 0)]),
        "Pad node 'pad': it takes more than the 4 elements of axis 1",
    ),
    "strides_of_zero": (
        lambda folder: model(
            node("Conv", "x w", "y", strides=[0, 0]),
            constants=[array("w", np.ones((1, 1, 3, 3)))],
            inputs=[info("x", ("n", 1, 8, 8))],
        ),
        "Conv node 'conv'",
    ),
    # constants and types
    "too_few_bytes": (changed(lambda m: setattr(m.graph.initializer[0], "raw_data", bytes(40))), "48 bytes, it has 40"),
    "too_many_bytes": (
        changed(lambda m: setattr(m.graph.initializer[0], "raw_data", bytes(52))),
        "48 bytes, it has 52",
    ),
    "too_few_elements": (
        lambda folder: model(
            node("MatMul", "x w", "y"),
            constants=[TensorProto(name="w", data_type=1, dims=[4, 3], float_data=[1])],
        ),
        "12 elements, it has 1",
    ),
    "claims_a_billion_elements": (
        lambda folder: model(node("MatMul", "x w", "y"), constants=[header("w", (10**6, 10**6))]),
        "claims 1000000000000 elements",
    ),
    "sizes_that_overflow": (
        lambda folder: model(node("MatMul", "x w", "y"), constants=[header("w", (1 << 62, 1 << 62, 4))]),
        "claims",
    ),
    "negative_constant": (
        lambda folder: model(node("MatMul", "x w", "y"), constants=[header("w", (-4, -3))]),
        r"impossible shape \[-4, -3\]",
    ),
    "type_that_is_none": (
        lambda folder: model(node("MatMul", "x w", "y"), constants=[header("w", (4, 3), 99)]),
        "elements of type 99",
    ),
    "strings": (
        lambda folder: model(node("Identity", "w", "y"), constants=[helper.make_tensor("w", 8, [1], [b"text"])]),
        "elements of type STRING",
    ),
    "input_of_strings": (lambda folder: model(node("Identity", "x", "y"), inputs=[info("x", (1,), 8)]), "STRING"),
    "sparse": (
        changed(lambda m: m.graph.sparse_initializer.add().values.CopyFrom(array("s", [1.0]))),
        "sparse constants",
    ),
    "negative_input": (lambda folder: model(node("Neg", "x", "y"), inputs=[info("x", (-5, 3))]), "negative size"),
    "huge_input": (lambda folder: model(node("Neg", "x", "y"), inputs=[info("x", (HUGE, 3))]), "at most"),
    "input_of_a_sequence": (
        lambda folder: model(
            node("Identity", "x", "y"), inputs=[helper.make_tensor_sequence_value_info("x", FLOAT, None)]
        ),
        "tensor of known rank",
    ),
    "long_name_of_a_size": (long_name_of_a_size, "at most 256 characters"),
    # files beside it
    "outside": (external("../secret.bin"), "may be outside the model's folder"),
    "outside_absolute": (external("/etc/passwd", (1,)), "may be outside the model's folder"),
    "outside_by_backslashes": (external("..\\secret.bin"), "may be outside the model's folder"),
    "outside_from_within": (external("a/../../secret.bin"), "may be outside the model's folder"),
    "outside_in_a_constant_node": (in_a_constant, "may be outside the model's folder"),
    "through_a_link": (external("link.bin"), "goes through a link"),
    "through_a_linked_folder": (external("way/secret.bin"), "goes through a link"),
    "not_there": (external("missing.bin"), "cannot be read"),
    "nowhere": (external(""), "may be outside the model's folder"),
    "its_own_folder": (external("."), "may be outside the model's folder"),
    "pipe": (external("pipe"), "is not a file"),
    "beyond_the_end": (external("data.bin", offset=20), "bytes 20 to 68"),
    "negative_offset": (external("data.bin", offset=-8), "offset of its bytes must be a number"),
    "another_length": (external("data.bin", length=40), "has 48 bytes; its entry says 40"),
    "more_than_the_file": (external("data.bin", (1000, 1000)), "of 48"),
    "same_bytes_again": (same_bytes_again, "again and again"),
    # graphs in graphs, functions
    "graphs_in_graphs": (nested(20), "nested more than 16 deep"),
    "branch_missing": (
        lambda folder: model(
            node("If", "c", "y", then_branch=graph([node("Neg", "x", "y")], inputs=[])),
            inputs=[info("x"), info("c", (), BOOL)],
        ),
        "else_branch",
    ),
    "branches_that_differ": (
        lambda folder: model(
            node(
                "If",
                "c",
                "y",
                then_branch=graph([node("Neg", "x", "y")], inputs=[]),
                else_branch=graph([node("Shape", "x", "y")], inputs=[]),
            ),
            inputs=[info("x"), info("c", (), BOOL)],
        ),
        "If node 'if'",
    ),
    "loop_with_too_few_inputs": (
        lambda folder: model(
            helper.make_node(
                "Loop", ["", "", "x"], ["y"], name="loop", body=graph([node("Neg", "x", "y")], inputs=[info("i", ())])
            )
        ),
        "must have 3 inputs, it has 1",
    ),
    "recursive_function": (with_functions(function("f", call("f", "a", "b"))), "the function 'f' calls itself"),
    "functions_in_a_ring": (
        with_functions(function("f", call("g", "a", "b")), function("g", call("f", "a", "b"))),
        "calls itself",
    ),
    "functions_that_double": (doubling(40), "more than 100000 nodes"),
    "function_twice": (with_functions(*[function("f", node("Neg", "a", "b"))] * 2), "two functions own.f"),
    "function_that_reads_nothing": (with_functions(function("f", node("Neg", "nowhere", "b"))), "'nowhere' is not"),
    # bombs
    "constant_of_shape": (flat, "1000000000000 elements"),
    "expand": (lambda folder: model(node("Expand", "x s", "y"), constants=[ints("s", HUGE, 1, 4)]), "elements or more"),
    "tile": (lambda folder: model(node("Tile", "x r", "y"), constants=[ints("r", 1, HUGE)]), "elements or more"),
    "pad": (lambda folder: model(node("Pad", "x p", "y"), constants=[ints("p", 0, HUGE, 0, HUGE)]), "elements or more"),
    "range": (from_to(0, HUGE, 1), "1000000000000 elements"),
    "range_of_no_step": (from_to(0, 9, 0), "Range node 'range'"),
    "one_hot": (
        lambda folder: model(
            node("Cast", "x", "i", to=INT64),
            node("OneHot", "i d v", "y"),
            constants=[array("d", HUGE, "int64"), array("v", [0.0, 1.0])],
        ),
        "elements or more",
    ),
    "resize": (
        lambda folder: model(
            helper.make_node("Resize", ["x", "", "", "s"], ["y"], name="resize"),
            constants=[ints("s", 1, HUGE)],
            inputs=[info("x", (1, 4))],
        ),
        "Resize node 'resize'",
    ),
    "squared_sizes": (squared_sizes, "too long an expression"),
    "summed_sizes": (summed_sizes, "terms"),
    "squared_numbers": (squared_numbers, "no integer type holds"),
    "broadcast_sizes": (broadcast_sizes, "Reshape node 'reshape'"),
    "doubled_sizes": (doubled_sizes, "Concat node 'concat'|Reshape node 'reshape'"),
    # odd, and sound
    "sound": (sound, "read"),
    "loops_forever": (loops_forever, "read"),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of every file, in one process that is not this one."""
    folder = tmp_path_factory.mktemp("models") / "in"
    folder.mkdir()
    for name, (build, _) in CASES.items():
        path, content = folder / f"{name}.onnx", build(folder)
        if content is None:
            path.mkdir()
        elif isinstance(content, int):
            with path.open("wb") as file:
                file.truncate(content)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    before = {item.name: item.lstat().st_mtime_ns for item in folder.iterdir()}
    script = Path(__file__).parent / "hostile_onnx.py"
    run = subprocess.run(
        [sys.executable, script, folder], capture_output=True, text=True, timeout=300, check=False, cwd=folder.parent
    )
    found = {line["name"]: line for line in map(json.loads, run.stdout.splitlines())}
    assert "" in found, f"it ended after {list(found)[-1:]} with {run.returncode}: {run.stderr[-2000:]}"
    assert {item.name: item.lstat().st_mtime_ns for item in folder.iterdir()} == before
    assert sorted(item.name for item in folder.parent.iterdir()) == ["in", "secret.bin"]
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused(outcomes: dict[str, dict[str, Any]], name: str) -> None:
    outcome, expected = outcomes[name], CASES[name][1]
    assert outcome["touched"] == []
    assert outcome["seconds"] < MOST_SECONDS
    assert outcome["peak_kb"] < MOST_KB
    if expected == "read":
        assert outcome["kind"] == "read", outcome["message"]
        return
    assert outcome["kind"] == "OnnxImportError", outcome["message"]
    assert f"{name}.onnx" in outcome["message"]
    assert re.search(expected, outcome["message"]), outcome["message"]


def test_there_are_thirty() -> None:
    assert len(CASES) > 30


def test_a_message_that_is_given_may_not_refer_to_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(OnnxImportError, match=r"'w' lies in another file, 'data.bin': read the model from its own"):
        from_onnx(external("data.bin")(tmp_path / "in"))


def test_constants_in_files_beside_the_model_are_read(tmp_path: Path) -> None:
    proto = sound(tmp_path)
    weights = np.arange(12, dtype="float32").reshape(4, 3)
    proto.graph.initializer[0].CopyFrom(array("w", weights))
    onnx.save(
        proto,
        tmp_path / "m.onnx",
        save_as_external_data=True,
        location="w.bin",
        size_threshold=0,
        convert_attribute=True,
    )
    assert onnx.load(tmp_path / "m.onnx", load_external_data=False).graph.initializer[0].external_data
    for path in (tmp_path / "m.onnx", str(tmp_path / "m.onnx")):
        np.testing.assert_array_equal(from_onnx(path).predict(np.eye(4, dtype="float32"), verbose=0), weights)


def test_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        from_onnx(tmp_path / "missing.onnx")
    with pytest.raises(OnnxImportError, match=r"expected a path or an onnx\.ModelProto, got int"):
        from_onnx(3)  # type: ignore[arg-type]
