"""A backend of Cornu that trains and predicts on OpenVINO."""

from cornu_openvino.backend import OpenVinoBackend

__all__ = ["OpenVinoBackend"]
