"""`qaml demo`: the whole road, once."""
