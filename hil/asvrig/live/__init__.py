"""The live world: true courses played to running units through ptys and UDP, at their times."""
