"""Side-by-side speed comparisons; see README.md. Measurements, never tests."""
