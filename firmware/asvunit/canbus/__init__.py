"""What stands between python-can and the signals: interfaces, readings, faults, formats and channels of logs."""
