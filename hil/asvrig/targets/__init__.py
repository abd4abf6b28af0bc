"""Targets of the rig: where the unit under test runs, and what the bench can do to it and see of it."""
