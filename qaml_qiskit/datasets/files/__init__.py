"""Files of a user's own: a module a format, each of which gives the parts that a path holds, unprepared."""
