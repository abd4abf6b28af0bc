"""The core as firmware: real MicroPythons to run it on, its compiled modules, their budgets, an image for a board."""
