"""What the parts of the fake `machine` share: what was made, and whether writes are kept."""

made = {}
state = {"record": True, "cause": 1}
