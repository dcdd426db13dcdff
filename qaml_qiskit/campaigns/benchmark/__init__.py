"""`qaml benchmark`: one fixed protocol for every classifier, one row and one card a model."""
