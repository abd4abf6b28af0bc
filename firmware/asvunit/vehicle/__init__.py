"""The car's side: signal maps, their databases, and the decoding of CAN frames to ASV signals."""

from asvunit.vehicle.feed import Feed
from asvunit.vehicle.vehicle_map import VehicleMap

__all__ = ["Feed", "VehicleMap"]
