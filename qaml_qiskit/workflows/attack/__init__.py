"""`qaml attack`: adversarial images, measured, with provenance; victims and audits that others use too."""
