"""Questions that several commands answer together: a paper gone through, a benchmark."""
