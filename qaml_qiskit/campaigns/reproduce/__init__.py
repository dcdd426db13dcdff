"""`qaml reproduce`: a paper gone through, claim by claim."""
