"""Backends of other vendors' Qiskit providers: opened, given jobs, and read."""
