"""`qaml train`."""
