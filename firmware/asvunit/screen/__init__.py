"""The unit's web page, a process of its own: what a unit tells, as messages to browsers that only look."""
