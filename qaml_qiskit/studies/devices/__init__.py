"""What devices are predicted to measure, what they did measure, and what their errors cost."""
