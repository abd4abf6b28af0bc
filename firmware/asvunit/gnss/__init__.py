"""From a receiver's bytes to fixes, without I/O: NMEA 0183 and gpsd's reports."""
