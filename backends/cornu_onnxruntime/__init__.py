"""ONNX Runtime as a backend of Cornu: a program runs as one ONNX model."""

from cornu_onnxruntime.backend import OnnxRuntimeBackend

__all__ = ["OnnxRuntimeBackend"]
