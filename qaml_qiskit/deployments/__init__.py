"""A model under a condition: ideal, under a named noise, or on a target."""
