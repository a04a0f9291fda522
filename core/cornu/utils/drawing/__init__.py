"""Drawings of models: with Graphviz where it is installed, else as an SVG file of our own."""

from cornu.utils.drawing.api import model_to_dot, plot_model

__all__ = ["model_to_dot", "plot_model"]
