"""A small program on the target's machine that starts units there, follows them and does faults, told by the bench.

What runs there (`wire`, `outbox`, `follow`, `supervisor`, `faults`, `server`, `__main__`) needs Python alone, so that
it starts fast where everything is slow. `client` and `unit` are the bench's end.
"""
