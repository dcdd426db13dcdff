"""`qaml uncertainty`: how much a prediction is unsure about its label, its model and its shots."""
