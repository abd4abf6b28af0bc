"""The message in Wireshark and tshark: a dissector in Lua made from the element table, and its installation."""
