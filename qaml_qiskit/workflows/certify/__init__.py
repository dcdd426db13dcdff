"""`qaml certify`: exact radii of images."""
