"""`qaml sweep`: accuracy over a grid of noises, models, attacks and shots."""
