"""`qaml forecast`, `frontier` and `encode`: what a device would give, before it is asked."""
