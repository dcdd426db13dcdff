"""`qaml resources`: what circuits cost, and counts that are kept."""
