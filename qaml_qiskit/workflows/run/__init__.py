"""`qaml plan`, `run`, `submit`, `status`, `collect` and `cancel`: a trained model on a target."""
