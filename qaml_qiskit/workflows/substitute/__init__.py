"""`qaml substitute`: a network that learns from a victim's answers, to attack the victim by."""
