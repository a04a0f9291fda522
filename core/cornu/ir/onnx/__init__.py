"""Programs to and from ONNX."""

from cornu.ir.onnx.export import OnnxExportError, WrittenModel, to_onnx, write_model
from cornu.ir.onnx.reader import OnnxImportError, from_onnx

__all__ = ["OnnxExportError", "OnnxImportError", "WrittenModel", "from_onnx", "to_onnx", "write_model"]
