"""ONNX models, from whomever they are, as programs."""
