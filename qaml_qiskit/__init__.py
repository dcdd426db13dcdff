"""Quantum variational classifiers on IBM hardware, and the truth about how they hold up there."""

__version__ = "0.1.0"
