"""IBM Quantum Platform: asked, understood when it does not answer, and given jobs; how others are asked, too."""
