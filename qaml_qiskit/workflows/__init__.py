"""A folder a command: a request, and the function that serves it. No workflow imports another."""
