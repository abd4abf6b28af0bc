"""The unit on a microcontroller: readers, drivers and the loop around the core, without pins or clocks of their own."""
