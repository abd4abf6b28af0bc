// English words of the pages; the body is JSON.
export default {
  "level": {"none": "None", "information": "Information", "caution": "Caution", "warning": "Warning"},
  "function": {
    "none": "", "crossing": "Crossing", "right_turn": "Oncoming", "left_turn": "From behind",
    "surrounding": "Nearby", "emergency": "Emergency vehicle"
  },
  "direction": {"left": "left", "right": "right", "both": "left and right"},
  "from": {"left": "from the left", "right": "from the right", "both": "from left and right"},
  "why_gone": {
    "connecting": "Connecting to the unit", "stopped": "The unit has been switched off",
    "silent": "The unit does not answer", "lost": "No connection to the unit",
    "too_many": "Too many screens are connected"
  },
  "input": {
    "gnss": "Position (GNSS)", "can": "Vehicle (CAN)", "radio": "Radio", "supports": "Other systems",
    "hmi": "Lamps and sound", "clock": "Clock", "unit": "Unit"
  },
  "input_short": {
    "gnss": "position", "can": "vehicle data", "radio": "radio", "supports": "other systems",
    "hmi": "lamps and sound", "clock": "clock", "unit": "unit"
  },
  "state": {
    "ok": "OK", "silent": "silent", "stale": "out of date", "implausible": "implausible", "disconnected": "disconnected",
    "overloaded": "overloaded", "off": "off", "unknown": "not known"
  },
  "signal": {
    "speed": "Speed", "brake": "Brake lamp", "winker": "Turn signal", "hazard": "Hazard lights", "shift": "Gear",
    "accelerator": "Accelerator", "acceleration": "Acceleration", "yaw_rate": "Yaw rate", "emergency": "Blue light"
  },
  "kind": {
    "bus": "bus", "large_truck": "large truck", "truck": "truck", "special": "special vehicle", "car": "car",
    "motorcycle": "motorcycle", "moped2": "moped (class 2)", "moped1": "moped (class 1)", "bicycle": "bicycle",
    "light_vehicle": "light vehicle", "pedestrian": "pedestrian", "tram": "tram", "other": "other"
  },
  "cause": {
    "frame": "radio frame", "signal": "vehicle signal", "fix": "position fix", "support": "other system",
    "switch": "switch", "cycle": "cycle", "due": "due time"
  },
  "origin": {"autonomous": "own sensors", "roadside": "roadside", "function": "function"},
  "input_reason": {
    "gnss.no_input": "nothing has come from the receiver yet", "gnss.timeout": "nothing comes from the receiver",
    "gnss.void": "the receiver has no fix", "gnss.no_fix": "the receiver has no fix",
    "gnss.frozen": "the receiver repeats one position", "gnss.time_repeated": "the receiver repeats an old fix",
    "gnss.not_configured": "no receiver is configured", "can.no_input": "nothing has come from the car yet",
    "can.timeout": "nothing comes from the car", "can.implausible": "the car tells what cannot be",
    "radio.no_input": "no frame has been received yet", "radio.timeout": "no frames are received",
    "radio.not_configured": "the radio is off", "hmi.not_configured": "no lamps are configured",
    "can.not_configured": "the vehicle bus is not configured", "supports.not_configured": "no other systems are configured"
  },
  "reason": {
    "none": "none", "l3_reached": "inside L3", "l4_reached": "inside L4", "l4_star_reached": "inside L4*",
    "late_l3": "inside L3 when first judged", "late_l4": "inside L4 when first judged",
    "target_passed": "the target has passed", "target_lost": "not heard: goes on as it went",
    "target_slow": "the target is too slow", "target_data": "the target lacks position, speed or direction",
    "ego_started": "ego has started", "ego_too_fast": "ego is too fast", "ego_not_stopped": "ego has not stopped",
    "ego_position_unknown": "own position is not known", "ego_speed_unknown": "own speed is not known",
    "heading_unknown": "own heading is not known", "error_unbounded": "a position error is too large",
    "information_ended": "shown for 3 s", "hold_over": "kept for 3 s, now over", "lost_limit": "not heard for 10 s",
    "displaced": "others are more dangerous", "resumed": "the condition is back", "too_far": "too far away",
    "angle": "the courses do not meet at this angle", "not_ahead": "the courses do not cross ahead",
    "before_l3": "not yet inside L3", "ready": "ready", "no_input": "nothing has come yet",
    "timeout": "nothing comes any more", "void": "no fix", "no_fix": "no fix", "out_of_range": "out of range",
    "no_position": "no position", "not_codable": "this place cannot be coded", "received": "receiving",
    "not_configured": "not configured", "implausible": "implausible", "frozen": "repeats one position",
    "error_grown": "the position error has grown", "unknown": "not known", "time_repeated": "an old time is repeated",
    "date_implausible": "the date cannot be", "length": "wrong length", "version": "unknown version",
    "own_frame": "own frame", "duplicate": "duplicate", "reordered": "out of order",
    "table_full": "others matter more", "counter_stuck": "the counter is stuck", "new": "new", "gone": "no longer heard",
    "emergency_unverified": "emergency flag not verified", "winker_off": "turn signal off",
    "winker_unknown": "turn signal not known", "turn_begun": "the turn has begun", "ego_standing": "ego stands",
    "lateral": "passes too far beside", "not_two_wheeler": "no two-wheeler", "target_fell_back": "has fallen back",
    "in_range": "in range", "receding": "not coming nearer", "target_standing": "the target stands",
    "packets_stopped": "no longer heard", "no_junction": "no junction there by the maps",
    "ego_priority": "ego has priority by the map", "twin": "two vehicles with one id", "jump": "the position jumped",
    "target_frozen": "the target's position is frozen", "clock_disagrees": "the clocks disagree",
    "own_id": "another vehicle has ego's id", "superseded": "another support speaks for it",
    "not_emergency": "no emergency vehicle in action", "external": "told by another system",
    "external_ended": "the other system has ended it", "external_stale": "the other system no longer repeats it",
    "not_requested": "the driver has not asked for it",
    "off": "off by configuration", "unsigned": "without a valid signature", "running": "running",
    "connected": "connected", "absent": "no such device", "unplugged": "unplugged", "down": "the interface is down",
    "no_permission": "no permission", "in_use": "used by another program", "cannot_open": "cannot be opened",
    "cannot_send": "cannot send", "cannot_show": "cannot show", "failing": "readings fail",
    "bus_off": "the controller left the bus", "error_passive": "errors alone on the bus", "silent_bus": "the bus is silent",
    "not_ocb": "not in OCB mode", "not_monitor": "no monitor interface", "mtu_too_small": "the interface's MTU is too small",
    "no_gpsd": "gpsd does not answer", "no_receiver": "gpsd has no receiver", "no_device": "gpsd has no such device",
    "stepped": "the system clock was stepped", "steady": "steady", "showing": "showing", "signed": "signed",
    "no_clock": "no trusted time", "input_lost": "inputs were lost", "events_not_written": "events cannot be written",
    "capture_not_written": "the capture cannot be written", "flooded": "more frames than can be taken",
    "overflow": "more than the queue holds", "stale_input": "old input was dropped",
    "stale": "old input was dropped", "shed": "more than there is time for", "too_many": "too much at once"
  },
  "lines": {
    "gone_support": "No driver support is given now", "gone_retry": "Reconnects by itself",
    "on": "System on", "not_on": "System off", "receiving": "Receiving", "not_receiving": "Not receiving",
    "fault": "Fault", "fault_of": "Fault: {what}", "muted": "Muted", "self_test": "Self-test",
    "self_test_text": "Lamps and sound are being tested",
    "states": "State of the system", "radio_only": "Shows only vehicles with radio", "not_received": "Not receiving: vehicles cannot be shown",
    "birdseye": "Bird's-eye view, ego in the middle. Shows only vehicles with radio.",
    "birdseye_count": "{n} vehicles with radio shown.", "birdseye_one": "1 vehicle with radio shown.",
    "birdseye_nearest": "Foremost: {kind}, {distance} m, {where}{level}.",
    "ahead": "ahead", "behind": "behind", "ahead_left": "ahead on the left", "ahead_right": "ahead on the right",
    "behind_left": "behind on the left", "behind_right": "behind on the right", "left": "on the left", "right": "on the right",
    "no_own_position": "Own position not known: other vehicles cannot be shown", "no_scene": "The bird's-eye view is not available", "north_up": "Heading not known: north is up",
    "north": "N", "metres": "{n} m", "more": "{n} more", 
    "ego": "Own vehicle", "and_level": ", {level}", "stop": ".",
    "bench": "Bench monitor", "vehicle_id": "Vehicle {id}", "nothing_told": "No support presented now",
    "neighbours": "Neighbours", "inputs": "Inputs", "signals": "Vehicle signals", "latency": "Latency",
    "latency_statistics": "Latency of the run", "explanations": "Explanations", "radio": "Radio", "own_message": "Own message",
    "empty": "No data yet",
    "id": "Id", "source": "Source", "kind": "Kind", "level": "Level", "function": "Function", "distance": "Distance m",
    "where": "Ahead / right m", "speed": "km/h", "course": "Course °", "age": "Age ms", "error": "Error m", "ttc": "TTC s",
    "reason": "Reason", "input": "Input", "state": "State", "since": "Since", "detail": "Detail", "signal": "Signal",
    "bus": "Bus", "cause": "Cause", "parsed": "Parsed", "taken": "Taken", "decoded": "Decoded",
    "judged": "Judged", "decided": "Decided", "commanded": "Told", "lit": "Light", "sounded": "Sound", "written": "All",
    "share": "of 0.3 s", "hop": "Hop", "count": "n", "p50": "p50", "p95": "p95", "p99": "p99", "max": "max", "time": "Time",
    "presented": "Presented", "yes": "yes", "no": "no", "explanation": "Explanation", "figure": "Figure", "value": "Value",
    "ms": "ms",
    "frame_to_table": "Frame to table", "frame_to_judged": "Frame to judged", "cause_to_pin": "Cause to pin",
    "cycle_late": "Cycle late", "send_late": "Sending late",
    "vehicles": "Vehicles heard", "frames_per_s": "Frames a second", "arrival_percent": "Arrival, %",
    "longest_gap_ms": "Longest gap, ms", "worst_vehicle_id": "Worst vehicle", "worst_source": "its source", "worst_percent": "its arrival, %",
    "position": "Position", "own_state": "State", "sent": "sent", "not_sent": "not sent: {why}",
    "lamps": "Lamps lit", "sound": "Sound", "tone": "{n} Hz", "silence": "silent", "numbers": "{distance} m - {error} m error = {corrected} m",
    "limit": ", limit {n} m", "dark": "dark"
  },
  "lamp": {
    "system": "system", "receiving": "receiving", "fault": "fault", "information": "information", "caution": "caution",
    "warning": "warning", "left": "left", "right": "right"
  }
};
