"""A vehicle's speed from its wheels: the mean of those that agree, for cars that send no speed of their own."""

from array import array

_SPREAD_C_KMH = 500  # 0.01 km/h: a wheel is left out when it is further than that and a tenth from the middle
_TENTH = 10


class Wheels:
    """Room for the wheels of one car."""

    def __init__(self, number):
        self._speeds = array("i", [0] * number)
        self.count = 0
        self.value = 0  # 0.01 km/h

    def add(self, speed):
        """Takes one wheel's speed, keeping them in order."""
        speeds = self._speeds
        at = self.count
        while at > 0 and speeds[at - 1] > speed:
            speeds[at] = speeds[at - 1]
            at -= 1
        speeds[at] = speed
        self.count += 1

    def mean(self):
        """Whether half the car's wheels or more agree; `value` is their mean then, half-way values up."""
        speeds, count = self._speeds, self.count
        if count == 0:
            return False
        double = speeds[(count - 1) // 2] + speeds[count // 2]  # twice the middle one
        limit = 2 * _SPREAD_C_KMH + abs(double) // _TENTH
        total = good = 0
        for index in range(count):
            if -limit <= 2 * speeds[index] - double <= limit:
                total += speeds[index]
                good += 1
        if 2 * good < len(speeds):
            return False
        self.value = (2 * total + good) // (2 * good)
        return True
