"""Every number of the guideline, once, with its unit and clause; ours are marked [Dn] or "ours".

Clauses: [G n] the guideline's section, [Dn] the decisions listed in docs/decisions.md.
"""

# Times in ms
TRANSMISSION_INTERVAL_MS = 100  # [G 3.4(4)] provisional
SYSTEM_DELAY_MS = 300  # [G 3.4(4)]
INFORMATION_REACTION_MS = 3700  # presentation and reaction [G table 3-4]
CAUTION_REACTION_MS = 3200  # caution alone [G table 3-4]
CAUTION_AFTER_REACTION_MS = 800  # caution after information has ended [G table 3-4]
INFORMATION_MS = INFORMATION_REACTION_MS + SYSTEM_DELAY_MS + TRANSMISSION_INTERVAL_MS  # L3: 4.1 s [D10]
CAUTION_MS = CAUTION_REACTION_MS + SYSTEM_DELAY_MS + TRANSMISSION_INTERVAL_MS  # L4: 3.6 s [D10]
CAUTION_AFTER_MS = CAUTION_AFTER_REACTION_MS + SYSTEM_DELAY_MS + TRANSMISSION_INTERVAL_MS  # L4*: 1.2 s [D10]
INFORMATION_EARLY_MS = 4500  # mode information_ended: so that 3 s of it end before L4* (ours, in [D13]'s band)
INFORMATION_BAND_MS = INFORMATION_MS + 1000  # 5.1 s: nothing is told before [G 3.5(1), D13]
PREDICTION_MS = 1000  # a target without a new packet [G 3.6(2), D17]
MINIMUM_PRESENTATION_MS = 2000  # [D14]
INFORMATION_SHOWN_MS = 3000  # mode information_ended [D14]
HOLD_MS = 3000  # "keep watching" once the target has passed [D15]
LOST_LIMIT_MS = 10000  # a lost target's support, from its last packet, at most [D15]
NEARER_MS = 1000  # so much nearer in time counts as more dangerous (ours)
BREAK_GRACE_MS = 500  # a condition must fail this long before support leaves it: no flicker (ours)
SURROUNDING_GRACE_MS = 1000  # the same of surrounding and emergency vehicles [D15]
FRESHER_MS = 500  # data newer by this outrank more trusted ones [G 2.6(3)] (ours)
FROZEN_MS = 1500  # a moving vehicle's position that does not change for so long, or three periods (ours)
CLOCKS_MS = 5000  # times of day of two fixes that differ by more disagree (ours)
JUMP_MS = 1000  # of way at the higher of two speeds that positions may lie apart beside their errors (ours)
STOPPED_FOR_MS = 300  # [D12]
DUE_STEP_MS = 10  # ticks between those of the grid come no closer than this (ours)
SIGNAL_TIMEOUT_MS = 500  # a vehicle signal without a period of its own (ours)
EXTERNAL_MS = 1000  # an autonomous or roadside support that is not repeated ends (ours)
RETURN_MS = 500  # a reckoned position goes back to the next fix in this time (ours)
NODE_MS = 2000  # an intersection ahead that the map has not confirmed (ours)
RECEIVING_MS = 1000  # "receiving" lamp after the last frame (ours)
FIX_TIMEOUT_MS = 1500  # a fix is stale after this or three periods, the longer [interface section 6]
FIX_TIMEOUT_PERIODS = 3
JST_OFFSET_MS = 9 * 3600 * 1000  # [G appendix 1 (29)]
DAY_MS = 24 * 3600 * 1000

# Speeds in 0.01 km/h (own) and km/h (wire)
JUMP_KMH = 20  # faster than told (ours)
FROZEN_KMH = 10  # from here on a position must change (ours)
STOPPED_CKMH = 200  # [D12]
APPROACHING_DKMH = 5  # in 0.1 km/h: slower is neither coming nor going (ours)
SLOWER_CKMH = 200  # below a limit of ego's speed that was left, to be inside again (ours)
TURN_SURE_CKMH = 800  # from here on one course of the receiver tells a turn, below two (ours)
RECEDING_DKMH = 10  # in 0.1 km/h: from here on one that was told goes away; the wire's step of speed (ours)
BACKWARDS_CKMH = 50  # an own speed told with its sign: slower is noise (ours)
COURSE_CKMH = 300  # GNSS course is used from here [D4]
STARTED_CKMH = 1000  # with the brake off [D12]
CROSSING_EGO_MAX_CKMH = 3000  # ego range 0..30 km/h [G table 3-3]
TURN_EGO_MAX_CKMH = 3000  # right and left turn [G table 3-3]
TARGET_MIN_KMH = 5  # crossing and right turn [D16]
TARGET_MIN_HIGHEST_KMH = 10  # left out because support has no effect: not above this (ours) [G 4.1.3]
STANDING_KMH = 2  # a vehicle at rest: no surrounding support [G 5.2(4)4, D12]

# Lengths in dm
STARTED_DM = 50  # from where it stood [D12]
CROSSING_AHEAD_DM = 300  # crossing point ahead of ego [D11]
TURN_POINT_LIMIT_DM = 335  # ego to the place of its right turn: 30 m and 3.5 m [G table 3-5, D11]
TURN_DECELERATION_CMS2 = 200  # of ego on its way there [G table 2-5, D11]
ONCOMING_LATERAL_DM = 200  # right turn: target's course beside the turning point [D11]
BEHIND_LATERAL_DM = 30  # left turn: to the side that ego turns to [D11]
SURROUNDING_DM = 1000  # [D18]
SURROUNDING_NEAR_DM = 300  # nearer than this also if it recedes [D18]
EMERGENCY_DM = 3000  # straight line [G 4.4.3]
TURNED_DM = 5  # a degree of another course tells two vehicles of one id apart as such a way does (ours)
JUMP_DM = 100  # beside errors and way (ours)
EXPLAINED_DM = 3000  # why nothing is given is told of vehicles this near (ours)
LEAVING_DM = 50  # surrounding: out of range only so far beyond it, so that it does not flicker (ours)
NEARER_DM = 100  # a surrounding vehicle that is so much nearer takes another's place (ours)
FROZEN_DM = 300  # way by ego's own speed while its receiver tells one position: that is an old one (ours)
FROZEN_STANDING_DM = 500  # the same of a receiver that tells no speed: it may hold its position, wheels may spin (ours)
LEFT_DM = 20  # so far from a position told again, ego goes on by its own speed (ours)
RETURN_FROM_DM = 5  # a reckoned position that lies beside the fix by less goes to it at once (ours)
RETURN_TO_DM = 100  # and by more as well: it was wrong (ours)
RECKONING_DM = 150  # doubt of a reckoned position from which on it is not sent: as class B [G table 1-1] (ours)
JUNCTION_DM = 300  # nodes of two maps that differ by less are one (ours)
COMING_DM_A_KMH = 11  # way in 4 s for each km/h: who keeps a place in a full table (ours)
RANGE_DM = 10000  # local geometry is clipped to 1 km (ours)
CLASS_ERROR_DM = ((8, 1), (4, 50), (2, 150), (1, 300))  # S, A, B, C [G table 1-1]
CLASS_C_ERROR_DM = 300  # also an invalid class [D8]
UNBOUNDED_ERROR_M = 255  # "255 m or more": surrounding support only [D8]

# Lengths of vehicles by kind, where they are not known [interface section 6, D5]
KIND_LENGTH_DM = (
    (0, 120),  # bus
    (1, 120),  # large truck
    (2, 120),  # truck
    (3, 120),  # special
    (4, 50),  # car
    (5, 20),  # motorcycle
    (6, 20),  # moped class 2
    (7, 20),  # moped class 1
    (8, 0),  # pedestrian
    (9, 20),  # bicycle
    (10, 20),  # other light vehicle
    (11, 300),  # tram
)
OTHER_LENGTH_DM = 50
TWO_WHEELERS = (5, 6, 7, 9)  # kinds [G 4.3.1]

# Angles in degrees
CROSSING_MIN_DEG = 30  # courses meet at 30..150 degrees [D11]
CROSSING_MAX_DEG = 150
ONCOMING_DEG = 45  # right turn: courses differ by 180 degrees, give or take [D11]
SAME_DIRECTION_DEG = 30  # left turn [D11]
TURN_BACK_DEG = 15  # back so near to the heading before: no turn (ours)
TURN_BEGUN_DEG = 30  # ego's heading since the winker came on (ours) [D15]

# Dead reckoning
DOUBT_PERCENT = 8  # of the way since the fix: 60 km/h in a bend of 10 degrees/s for a second (ours)
DOUBT_YAW_PERCENT = 3  # the same with a yaw rate: speed and course are as good as that (ours)
YAW_DRIFT_CDEGS = 100  # a standing car that turns faster stands on something that turns (ours)
YAW_DRIFT_MS = 1000  # standing for so long, its yaw rate is the sensor's drift (ours)
SIGNAL_OK_MS = 1000  # a signal that failed must come for so long before it is told to be ok again: no flapping (ours)

# Counts
PARALLEL = 2  # presentations at once [D18]
NEIGHBOURS = 256
EXTERNALS = 8  # autonomous and roadside supports at once (ours)
TOLD_A_CYCLE = 4  # reasons why a target gets nothing, told in a cycle (ours)
OPENED_A_CYCLE = 2  # times that all are judged at once because a function has opened (ours)
SURROUNDING_SUPPORTS = 8  # of those; the nearest (ours)
SUPPORTS_LEAST = 16  # (function, target) pairs followed at once (ours)
SUPPORTS_MOST = 64  # where their number follows from that of the neighbours (ours)
REVISIONS = 10  # frames counted by the revision counter [D6]
POSITION_DELAY_MAX = 30  # x 100 ms [G appendix 1 (17)]

NONE = -(1 << 29)  # "no value" in events, records and fields
NEVER_MS = -(1 << 28)  # a time before all others
REBASE_MS = 1 << 28  # the runtime takes this off its clock, and tells the core, before 2^29
