"""The backends of this repository fulfil the contract."""

from __future__ import annotations

from cornu_conformance import BackendConformance


class TestNumpy(BackendConformance):
    backend = "numpy"


class TestOnnxRuntime(BackendConformance):
    backend = "onnxruntime"
