"""`qaml attack`: adversarial images, measured and audited."""
