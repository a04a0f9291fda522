"""What this build of ONNX Runtime, on this processor, has beside the standard operators."""

from __future__ import annotations

import functools

import numpy as np

_CHANNELS, _POSITIONS = 64, 2


@functools.cache
def block_size() -> int | None:
    """How many channels lie together in the blocked layout of `com.microsoft.nchwc`; None where there is none.

    It depends on the processor (16 with AVX-512, 8 with AVX2), so that it is found out by reordering numbers once per
    process: after a first block of channels at position 0, position 1 begins.
    """
    from onnx import TensorProto, helper

    shape = [1, _CHANNELS, 1, _POSITIONS]
    node = helper.make_node("ReorderInput", ["x"], ["y"], domain="com.microsoft.nchwc")
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    model = helper.make_model(
        helper.make_graph([node], "probe", tensors[:1], tensors[1:]),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft.nchwc", 1)],
    )
    model.ir_version = 8
    numbers = np.arange(_CHANNELS * _POSITIONS, dtype=np.float32).reshape(shape)
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        reordered = session.run(["y"], {"x": numbers})[0].ravel().tolist()
    except Exception:  # whatever is wrong with it, the plain operators do
        return None
    size = reordered.index(1.0)
    expected = numbers.reshape(-1, size, _POSITIONS).transpose(0, 2, 1).ravel().tolist()
    return size if reordered == expected else None
