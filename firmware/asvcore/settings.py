"""What can be set about a core: integers, in one ordered table that the journal's first line repeats."""

from . import codes, params

# (name, default, lowest, highest); kind, class and length are the element's codes and dm
FIELDS = (
    ("seed", 1, 0, (1 << 29) - 1),
    ("position_class", 2, 1, 8),
    ("vehicle_kind", 4, 0, 15),
    ("vehicle_length_dm", 0, 0, 1000),  # 0: unknown, by kind in the formulas
    ("position_mode", codes.POSITION_AUTO, 0, 1),
    ("sampling_delay_ms", 0, 0, 1000),  # of receivers, own and others' [D17]
    ("antenna_to_front_dm", 0, -200, 200),  # calibration [D11]
    ("antenna_ahead_dm", 0, -200, 200),  # of the point whose position is sent [D11]
    ("antenna_right_dm", 0, -50, 50),
    ("reckoning_dm", params.RECKONING_DM, 10, 190),
    ("crossing", 1, 0, 1),
    ("crossing_start", codes.START_STOPPED, 0, 1),
    ("crossing_ego_max_ckmh", params.CROSSING_EGO_MAX_CKMH, 100, params.CROSSING_EGO_MAX_CKMH),  # [G table 3-3]
    ("right_turn", 1, 0, 1),
    ("right_turn_ego_max_ckmh", params.TURN_EGO_MAX_CKMH, 100, params.TURN_EGO_MAX_CKMH),
    ("left_turn", 1, 0, 1),
    ("left_turn_ego_max_ckmh", params.TURN_EGO_MAX_CKMH, 100, params.TURN_EGO_MAX_CKMH),
    ("left_turn_targets", codes.TARGETS_TWO_WHEELERS, 0, 1),
    ("surrounding", 1, 0, 1),
    ("surrounding_dm", params.SURROUNDING_DM, params.SURROUNDING_NEAR_DM, params.EMERGENCY_DM),
    ("surrounding_shown", codes.SHOWN_ALWAYS, 0, 2),
    ("emergency", 1, 0, 1),
    ("emergency_send", codes.ACTION_NEVER, 0, 2),  # element 42: for a radio that signs alone [G appendix 1 (42)]
    ("traffic_side", codes.SIDE_LEFT, 0, 1),
    ("target_min_kmh", params.TARGET_MIN_KMH, 0, params.TARGET_MIN_HIGHEST_KMH),
    ("information_ms", params.INFORMATION_MS, params.INFORMATION_MS, params.INFORMATION_BAND_MS),  # [D13]
    ("caution_ms", params.CAUTION_MS, params.CAUTION_MS, params.INFORMATION_MS),  # [D13]
    ("presentation_mode", codes.MODE_INFORMATION_CAUTION, 0, 2),
    ("parallel", params.PARALLEL, 1, 4),
    ("information_sound", 0, 0, 1),
    ("neighbours", params.NEIGHBOURS, 1, 4096),
    ("supports", 0, 0, 256),  # 0: a quarter of the neighbours, 16 to 64
    ("uses_gnss", 1, 0, 1),
    ("uses_can", 1, 0, 1),
    ("uses_radio", 1, 0, 1),
    ("signals", 0, 0, (1 << codes.SIGNALS) - 1),  # a bit for each SIGNAL_ that the car's map gives
    ("timeout_speed_ms", params.SIGNAL_TIMEOUT_MS, 10, 60000),
    ("timeout_brake_ms", params.SIGNAL_TIMEOUT_MS, 10, 60000),
    ("timeout_winker_ms", params.SIGNAL_TIMEOUT_MS, 10, 60000),
    ("timeout_hazard_ms", params.SIGNAL_TIMEOUT_MS, 10, 60000),
    ("timeout_shift_ms", params.SIGNAL_TIMEOUT_MS, 10, 60000),
    ("timeout_accelerator_ms", params.SIGNAL_TIMEOUT_MS, 10, 60000),
    ("timeout_acceleration_ms", params.SIGNAL_TIMEOUT_MS, 10, 60000),
    ("timeout_yaw_rate_ms", params.SIGNAL_TIMEOUT_MS, 10, 60000),
    ("timeout_emergency_ms", params.SIGNAL_TIMEOUT_MS, 10, 60000),
)


class Settings:
    """Defaults of the guideline and its decisions; change attributes before the core is made."""

    def __init__(self):
        for name, default, _low, _high in FIELDS:
            setattr(self, name, default)

    def set(self, name, value):
        """Change one; ValueError for an unknown name or a value outside its range."""
        for known, _default, low, high in FIELDS:
            if known == name:
                if not low <= value <= high:
                    raise ValueError("setting %s: %d is outside %d..%d" % (name, value, low, high))
                setattr(self, name, value)
                return
        raise ValueError("setting %s: no such setting" % name)

    def check(self):
        """ValueError for a value outside its range."""
        for name, _default, _low, _high in FIELDS:
            self.set(name, getattr(self, name))

    def support_count(self):
        """How many supports are followed at once."""
        quarter = min(max(self.neighbours // 4, params.SUPPORTS_LEAST), params.SUPPORTS_MOST)
        return self.supports if self.supports else quarter

    def timeouts_ms(self):
        """Timeouts of the vehicle signals in the order of the SIGNAL_ codes."""
        return [getattr(self, name) for name, _default, _low, _high in FIELDS if name.startswith("timeout_")]
