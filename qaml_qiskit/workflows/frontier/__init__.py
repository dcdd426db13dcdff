"""`qaml frontier`: models side by side, by what they cost on a device."""
