"""`qaml encode`: images as circuits."""
