"""Contestants in a process of their own, for libraries that cannot be installed beside the others."""
