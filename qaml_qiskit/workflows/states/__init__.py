"""`qaml states`: images as the states that models make of them, on a plane."""
