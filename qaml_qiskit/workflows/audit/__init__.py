"""`qaml audit`: what is left of a defence's gain when its attackers know it."""
