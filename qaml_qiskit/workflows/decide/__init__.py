"""`qaml decide`: what is done about images that shots leave in doubt."""
