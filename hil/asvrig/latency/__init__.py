"""From a stimulus to light and sound: stimuli at random phase, probes that see pins, and what the samples tell."""
