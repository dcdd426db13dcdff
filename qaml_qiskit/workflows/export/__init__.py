"""`qaml export`: a trained circuit as a file that others read."""
