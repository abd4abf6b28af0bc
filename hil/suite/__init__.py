"""The suite: what every unit must do, on whatever target, through the fixtures of the pytest plugin alone."""
