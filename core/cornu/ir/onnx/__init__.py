"""Programs to and from ONNX."""

from cornu.ir.onnx.export import OnnxExportError, WrittenModel, to_onnx, write_model

__all__ = ["OnnxExportError", "WrittenModel", "to_onnx", "write_model"]
