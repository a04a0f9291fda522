"""Exporting models and functions as ONNX files."""

from cornu.export.exporter import ExportReport, export_model
from cornu.export.verification import ExportError

__all__ = ["ExportError", "ExportReport", "export_model"]
