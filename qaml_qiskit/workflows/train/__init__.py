"""`qaml train`: a classifier from a data set, resumably."""
