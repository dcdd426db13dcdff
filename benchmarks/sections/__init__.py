"""What the report says: a module a suite, with the suite's name, and in it ``section(results)``."""
