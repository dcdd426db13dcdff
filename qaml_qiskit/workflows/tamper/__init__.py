"""`qaml tamper`: attacks on the quantum parts."""
