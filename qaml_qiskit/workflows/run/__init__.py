"""`qaml run`, `plan`, `submit`, `collect` and `backends`: a trained model on a target."""
