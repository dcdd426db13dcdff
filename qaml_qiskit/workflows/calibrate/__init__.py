"""`qaml calibrate`: whether a model's probabilities are what they say, and what makes them so."""
