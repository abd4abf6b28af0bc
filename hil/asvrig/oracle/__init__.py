"""The second opinion that the unit is judged by: when the driver has to be told, from the true courses.

In floating point, and with numbers of its own: nothing of the unit or its core is used here, by intent. What is given
out stands in `asvrig.expected`.
"""
