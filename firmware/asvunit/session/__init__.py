"""Sessions: what one run of a unit took in and decided, as a folder of standard files."""
