"""`qaml runs`: what lies in run folders, listed and put side by side."""
