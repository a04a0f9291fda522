"""An exported file in runtimes that know nothing of Cornu, as somebody would deploy it."""

from __future__ import annotations

from os import PathLike

import numpy as np
from numpy.typing import NDArray


class BareSession:
    """An ONNX file in a plain ONNX Runtime session on the CPU.

    Args:
        path: The file.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        self.input_names: list[str] = [value.name for value in self._session.get_inputs()]

    def __call__(self, *arrays: NDArray[np.generic]) -> list[NDArray[np.generic]]:
        """The file's outputs for arrays in the order of its inputs."""
        outputs: list[NDArray[np.generic]] = self._session.run(None, dict(zip(self.input_names, arrays, strict=True)))
        return outputs


class Evaluator:
    """An ONNX file in ONNX's own evaluator, which has every dtype.

    Args:
        path: The file.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        from onnx.reference import ReferenceEvaluator

        self._evaluator = ReferenceEvaluator(str(path))

    def __call__(self, *arrays: NDArray[np.generic]) -> list[NDArray[np.generic]]:
        """The file's outputs for arrays in the order of its inputs."""
        outputs = self._evaluator.run(None, dict(zip(self._evaluator.input_names, arrays, strict=True)))
        return [np.asarray(output) for output in outputs]
