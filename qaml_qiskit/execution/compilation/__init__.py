"""Circuits onto a chip: recipes, lines of good qubits, tiles, and the device's own gates."""
