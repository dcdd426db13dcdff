"""`qaml forecast`: what a device would score, before it is asked."""
