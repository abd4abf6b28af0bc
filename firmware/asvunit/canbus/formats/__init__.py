"""CAN logs as text, line by line: what candump, Vector, PEAK, BUSMASTER and tables of many tools write.

python-can's own readers stop at the first line that they cannot parse, and take frames wrong that other tools than
python-can wrote. A bad line here costs that line only.
"""
