"""The conformance suite on the CPU."""

from cornu_conformance import BackendConformance


class TestTorch(BackendConformance):
    backend = "torch"
