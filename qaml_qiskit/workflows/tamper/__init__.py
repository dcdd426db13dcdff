"""`qaml tamper`: what is left when the quantum parts are tampered with."""
