"""The whole conformance suite of Cornu."""

from __future__ import annotations

from cornu_conformance import BackendConformance


class TestOpenVino(BackendConformance):
    backend = "openvino"
