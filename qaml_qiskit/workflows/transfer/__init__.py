"""`qaml transfer`: images made on one model, shown to others."""
