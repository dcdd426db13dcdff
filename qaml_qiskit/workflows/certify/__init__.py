"""`qaml certify`: exact radii with witnesses."""
