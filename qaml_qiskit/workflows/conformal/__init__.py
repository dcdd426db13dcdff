"""`qaml conformal`: sets of labels with a promised coverage, also under attack."""
