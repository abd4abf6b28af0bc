"""Why support is or is not given, in words: every reason has some, the numbers are those worked out by hand."""

import inspect
import re

import pytest

from asvcore import arbiter, candidate, codes, core, crossing, gates, judging, supports, surrounding, turns
from asvcore.elements import WINKER_LEFT, WINKER_OFF, WINKER_RIGHT
from asvcore.neighbour import support_of
from asvcore.params import NONE
from asvunit.events import Translator
from asvunit.explain import FUNCTIONS, explain, explain_external
from asvunit.explain import gates as gates_of
from asvunit.explain_details import Details
from asvunit.identity import Sources
from asvunit.why import SENTENCES, why
from asvunit.words import CODES, word
from coretools import Drive, Target, encounter, frame

CROSSING, RIGHT, LEFT = FUNCTIONS[:3]
SURROUNDING, EMERGENCY = FUNCTIONS[3:]
LINE = 150  # characters, at most


def told(drive, function=CROSSING, vehicle_id=100, source=1):
    return explain(drive.core, drive.core.neighbours.get(source << 14 | vehicle_id), function)


def said(drive, function=CROSSING, **whom):
    """The line after the name of the vehicle."""
    line = told(drive, function, **whom).line
    assert len(line) <= LINE
    return line.split("): ", 1)[1]


def standing(target=None, until=1100, ego=None, **settings):
    """Ego waits at the origin, heading north; a target until `until`."""
    drive = Drive(**settings)
    drive.stand()
    encounter(drive, [target] if target else [], 1100, until, **({"ego": ego} if ego else {}))
    return drive


def heard(*frames, winker=None, kmh=0.0, **settings):
    """Ego at the origin, at a speed, and what it hears at one moment."""
    drive = Drive(**settings)
    drive.fix(0, kmh=max(kmh, 10))
    for t in range(100, 1100, 100):
        drive.fix(t, kmh=kmh)
        if winker is not None:
            drive.vehicle(t, codes.SIGNAL_WINKER, winker)
        drive.tick(t)
    for number, payload in enumerate(frames):
        drive.message(1000, payload, number + 1)
    return drive


# Every reason


def used(*modules):
    """Names of all reasons that modules of the core name."""
    return {name for module in modules for name in re.findall(r"codes\.REASON_(\w+)", inspect.getsource(module))}


def test_every_reason_of_a_judge_a_gate_and_a_support_has_words():
    found = used(crossing, turns, surrounding, candidate, gates, judging, supports, arbiter, core)
    assert {"L3_REACHED", "ANGLE", "LATERAL", "RECEDING", "WINKER_OFF", "HOLD_OVER", "SUPERSEDED"} <= found
    of_status = {codes.REASON_READY}  # of functions as a whole
    assert {CODES["REASON"][name.lower()] for name in found} | of_status == set(SENTENCES)


@pytest.mark.parametrize("reason", SENTENCES)
def test_words_are_short_and_one_line(reason):
    sentence = SENTENCES[reason]
    for text in (sentence.text, sentence.full):
        assert text == text.strip()
        assert "\n" not in text
        assert len(text) <= 90
    assert sentence.text
    assert sentence.numbers in ("", "way", "past")
    line = why(CROSSING, codes.LEVEL_INFORMATION, 0, 12345, 2345, 1234, reason)
    assert line.startswith(sentence.text)
    assert ("10" in line and "1000.0" in line) == (sentence.numbers == "way")


@pytest.mark.parametrize("reason", [reason for reason, sentence in SENTENCES.items() if sentence.full])
def test_every_lookup_of_every_sentence_can_be_made(reason):
    drive = standing(Target(15000), 5000)
    neighbour = drive.core.neighbours.get(1 << 14 | 100)
    measured = candidate.Candidate()
    drive.core.explain(neighbour, CROSSING, measured)
    sentence = Details(drive.core, CROSSING, neighbour, measured).sentence(reason)
    assert "{" not in sentence
    assert "None" not in sentence


# Not given: numbers by hand


def test_not_yet():
    # 11.0 s before it is there, at 50 km/h: 152.8 m; errors 2 + 2 m; L3 = 4.1 x 13.889 = 56.9 m; 91.9 m at 13.889 m/s
    drive = standing(Target(15000), 4000)
    expected = (
        "not yet: 152.7 m - 4.0 m error = 148.7 m to the crossing point, information from 56.9 m (4.1 s at 50 km/h)"
    )
    line = said(drive)
    assert line.startswith("not yet: ")
    numbers, by_hand = (re.findall(r"-?\d+\.\d", text) for text in (line, expected))
    assert [float(number) for number in numbers[:-1]] == pytest.approx([float(number) for number in by_hand], abs=0.3)
    assert re.sub(r"-?\d+\.\d", "#", line) == re.sub(r"-?\d+\.\d", "#", expected) + ", in # s"
    assert float(numbers[-1]) == pytest.approx(6.6, abs=0.1)  # (148.8 - 56.9) / 13.889
    assert told(drive).state == "not_yet"
    assert told(drive).judged == "before_l3"


def test_not_yet_of_the_left_turn_has_the_lengths():
    # 60 m behind, 36 km/h: L3 41 m, lengths 5 (ego, a car) and 2 m (sent code 1)
    frames = frame(100, 1, -60, -1, 36, 0, vehicle_classification=5, vehicle_length=1)
    line = said(heard(frames, winker=WINKER_LEFT, kmh=20), LEFT)
    # ego has moved on since its fix at 1.0 s by nothing
    assert re.fullmatch(
        r"not yet: (59\.9|60\.0|60\.1) m - 4\.0 m error = (55\.9|56\.0|56\.1) m behind ego, "
        r"information from 48\.0 m \(4\.1 s at 36 km/h \+ lengths 7\.0 m\)",
        line,
    )


def test_mode_caution_alone_waits_for_caution():
    line = said(standing(Target(15000), 4000, presentation_mode=codes.MODE_CAUTION_ALONE))
    assert ", caution from 50.0 m (3.6 s at 50 km/h), in 7.1 s" in line


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target(15000, 4), "none: the target is too slow: 4 km/h, support from 5 km/h"),
        (Target(15000, 50, 20), "none: courses differ by 20 deg, support 30..150 deg"),
        (Target(15000, 50, 340), "none: courses differ by 20 deg, support 30..150 deg"),
    ],
)
def test_what_is_no_crossing(target, expected):
    assert said(standing(target, 4000)) == expected


@pytest.mark.parametrize(("ahead_m", "words"), [(40, "40 ahead of"), (-10, "10 behind")])
def test_where_courses_cross_has_its_sign(ahead_m, words):
    line = said(standing(Target(15000, 50, 110, ahead_m=ahead_m), 6000))
    found = re.fullmatch(r"none: the courses cross (.*) m (.*) ego, support -4.0..34.0 m ahead", line)
    assert found is not None
    metres, side = words.split(" ", 1)
    assert float(found[1]) == pytest.approx(float(metres), abs=0.6)
    assert found[2] == side


def test_gates_say_what_ego_does():
    target = frame(100, 1, 10, -50)
    drive = heard(target, kmh=35, winker=WINKER_OFF)
    assert said(drive, CROSSING) == "none: ego has not stopped: 35.0 km/h"
    assert said(drive, RIGHT) == "none: the winker is off"
    drive = heard(target, kmh=35, winker=WINKER_LEFT)
    assert said(drive, RIGHT) == "none: the winker is on the left"
    assert said(drive, LEFT) == "none: ego is too fast: 35.0 km/h, support to 30 km/h"
    drive = heard(target, winker=WINKER_LEFT)
    assert said(drive, LEFT) == "none: ego stands: 0.0 km/h, support above 2 km/h"
    drive = heard(target)
    assert said(drive, RIGHT) == "none: the winker is not known"
    assert told(drive, RIGHT).reason == "winker_unknown"
    drive = heard(target, crossing=0)
    assert said(drive) == "none: off by configuration"
    assert gates_of(drive.core)[CROSSING] == codes.REASON_OFF


def test_lateral_of_both_turns():
    # Oncoming, 60 m ahead and 30 m beside; ego at 0: the turning point is ego itself; limit 20 + 4 m
    drive = heard(frame(100, 1, 60, 30, 50, 180), winker=WINKER_RIGHT)
    assert re.fullmatch(
        r"none: the target passes (29\.9|30\.0|30\.1) m beside the turning point, support to 24\.0 m",
        said(drive, RIGHT),
    )
    motorcycle = {"vehicle_classification": 5}
    drive = heard(
        frame(100, 1, -30, 9, 50, 0, **motorcycle),
        frame(101, 1, -30, -9, 50, 0, **motorcycle),
        winker=WINKER_LEFT,
        kmh=20,
    )
    assert re.fullmatch(
        r"none: the target passes (8\.9|9\.0|9\.1) m right of ego, support 7\.0 m left to 4\.0 m right",
        said(drive, LEFT),
    )
    assert " m left of ego, support 7.0 m left to 4.0 m right" in said(drive, LEFT, vehicle_id=101, source=2)


def test_who_the_target_is_and_what_it_tells():
    drive = heard(frame(100, 1, -30, -1, 50, 0, vehicle_classification=2), winker=WINKER_LEFT, kmh=20)
    assert said(drive, LEFT) == "none: the target is no two-wheeler: truck"
    assert said(drive, EMERGENCY) == "none: no emergency vehicle in action"
    drive = standing()
    drive.message(1100, frame(100, 1, 10, -100, direction=0x180))
    assert said(drive) == "none: the target does not tell its direction"
    drive.message(1200, frame(100, 2, 10, -100, error=255))
    assert said(drive) == "none: position errors too large: ego 2.0 m, target 255.0 m or more"


def test_how_far_away_it_is():
    drive = heard(
        frame(100, 1, 0, -312, 50, 90), frame(101, 1, 2000, 0), frame(102, 1, 0, 50, 50, 90), frame(103, 1, 0, 20, 1)
    )
    assert re.fullmatch(r"none: (311\.9|312\.0|312\.1) m away, told to 100\.0 m", said(drive, SURROUNDING))
    assert said(drive, SURROUNDING, vehicle_id=101, source=2) == "none: farther away than 1 km"
    line = said(drive, SURROUNDING, vehicle_id=102, source=3)
    assert re.fullmatch(r"none: not coming nearer, (49\.9|50\.0|50\.1) m away, told to 30\.0 m", line)
    assert said(drive, SURROUNDING, vehicle_id=103, source=4) == "none: the target stands: 1 km/h, told above 2 km/h"


def test_a_vehicle_that_is_not_heard_any_more_begins_nothing():
    drive = standing(Target(15000), 4000)
    drive.fix(5200)  # before the tick that forgets it
    assert said(drive) == "none: not heard for 1.2 s"
    assert told(drive).reason == "packets_stopped"


# Given


def test_information_caution_passed_and_held():
    target = Target(15000)
    drive = standing(target, 11000)
    # Information is due 4.1 s and 4 m (0.29 s) before: 10.61 s; caution at 11.11 s
    line = said(drive)
    assert re.fullmatch(
        r"information since 0\.[34] s, presented: 55\.\d m - 4\.0 m error = 51\.\d m, "
        r"limit 56\.9 m \(L3\), caution in 0\.1 s",
        line,
    )
    encounter(drive, [target], 11100, 12400)
    line = said(drive)
    # At 12.4 s: 2.6 s to go, 36.1 m; caution for 1.3 s
    assert re.fullmatch(
        r"caution since 1\.[23] s, presented: 36\.\d m - 4\.0 m error = 32\.\d m, "
        r"limit 50\.0 m \(L4\), passes in 2\.6 s",
        line,
    )
    encounter(drive, [target], 12500, 15100)
    assert said(drive).endswith(", just passed")
    encounter(drive, [target], 15200, 16500)  # passed by 4 m at 15.29 s
    assert re.fullmatch(r"keep watching for 1\.[78] s more, presented: the target has passed", said(drive))
    assert told(drive).left_s == pytest.approx(1.8, abs=0.11)
    encounter(drive, [target], 16600, 19000)
    assert re.fullmatch(r"none: the target has passed: 55\.\d m beyond, error 4\.0 m", said(drive))


def test_a_level_does_not_fall():
    target = Target(15000)
    drive = standing(target, 12000)
    drive.message(12010, frame(100, target.counter + 1, 10, -60, 50, 90))
    line = said(drive)
    assert line.startswith("caution since ")
    assert line.endswith("; a level does not fall")


def test_a_lost_target_goes_on_and_a_broken_condition_is_held():
    target = Target(15000)
    drive = standing(target, 11500)
    encounter(drive, [target], 11600, 13000, heard=lambda _target, t: False)
    assert re.search(
        r"presented: not heard for 1\.5 s, goes on: 27\.\d m - 4\.0 m error = 23\.\d m, limit 50\.0 m", said(drive)
    )
    target = Target(15000)
    drive = standing(target, 11500)
    for t in (11600, 11700, 11800):
        drive.fix(t)
        drive.message(t, frame(100, target.counter + t // 100 - 115, 10, -40, 3, 90))
        drive.tick(t)
    expected = "keep watching in 0.3 s: the target is too slow: 3 km/h, support from 5 km/h"
    assert said(drive).endswith(f"presented: {expected}")
    assert told(drive).reason == "l4_reached"
    assert told(drive).judged == "target_slow"


def test_information_that_has_ended_waits_for_caution():
    target = Target(15000)
    drive = standing(target, 13600, presentation_mode=codes.MODE_INFORMATION_ENDED)
    # L4* = 1.2 x 13.889 = 16.7 m
    assert re.fullmatch(
        r"information ended: 19\.\d m - 4\.0 m error = 15\.\d m, caution from 16\.7 m \(L4\*\)", said(drive)
    ) or re.fullmatch(r"caution since 0\.\d s, presented: .* limit 16\.7 m \(L4\*\), passes in 1\.4 s", said(drive))
    drive = standing(Target(15000), 13300, presentation_mode=codes.MODE_INFORMATION_ENDED)
    assert re.fullmatch(
        r"information ended: 23\.\d m - 4\.0 m error = 19\.\d m, caution from 16\.7 m \(L4\*\)", said(drive)
    )


def test_not_presented_and_why():
    targets = [Target(15000 + 700 * n, 50, 90 + 180 * (n % 2), vehicle_id=100 + n, source=1 + n) for n in range(3)]
    drive = Drive()
    drive.stand()
    encounter(drive, targets, 1100, 13500)
    assert [told(drive, vehicle_id=100 + n, source=1 + n).presented for n in range(3)] == [True, True, False]
    assert ", not presented, 2 others first: " in said(drive, vehicle_id=102, source=3)
    assert ", left to crossing: " in said(drive, SURROUNDING)


def test_another_system_that_speaks_for_the_danger():
    target = Target(15000)
    drive = standing(target, 12000)
    drive.core.on_support(codes.ORIGIN_AUTONOMOUS, CROSSING, codes.LEVEL_CAUTION, codes.DIRECTION_LEFT, 12000, 1)
    assert ", left to the autonomous system: " in said(drive)
    (support,) = [one for one in drive.core.supports.pool if one.origin == codes.ORIGIN_AUTONOMOUS]
    told_of = explain_external(drive.core, support)
    assert told_of.line == "crossing, autonomous system, left: caution since 0.0 s, presented: told by another system"
    assert (told_of.vehicle_id, told_of.distance_m, told_of.presented) == (None, None, True)


# The same as what is then judged


@pytest.mark.parametrize(
    "mode", [codes.MODE_INFORMATION_CAUTION, codes.MODE_CAUTION_ALONE, codes.MODE_INFORMATION_ENDED]
)
@pytest.mark.parametrize("kmh", [30, 70])
def test_what_is_foreseen_is_what_is_judged(mode, kmh):
    """Level and end come when the explanation before them says; looking changes nothing."""
    plain = standing(Target(15000, kmh), 20000, presentation_mode=mode)
    drive, target = Drive(presentation_mode=mode), Target(15000, kmh)
    drive.stand()
    foreseen = []
    for t in range(1100, 20001, 100):
        encounter(drive, [target], t, t)
        seen = told(drive)
        assert len(seen.line) <= LINE
        if seen.state in ("not_yet", "information") and seen.judged in ("before_l3", "l3_reached") and seen.due_s:
            foreseen.append((t, t + seen.due_s * 1000))
        for function in FUNCTIONS:
            told(drive, function)
        support = drive.core.supports.pool[support_of(drive.core.neighbours.get(1 << 14 | 100), CROSSING)]
        if seen.state in ("information", "caution"):
            assert seen.presented == support.presented
            assert seen.distance_m * 10 == support.distance_dm or seen.judged == "target_passed"
    assert drive.records == plain.records
    raised = [r["t"] for r in drive.supports() if r["reason"] in ("l3_reached", "l4_reached", "l4_star_reached")]
    assert raised
    for at in raised:
        # the last word before it named its time; what is judged at once is 100 ms late at most
        last = max((before for before in foreseen if before[0] < at), key=lambda pair: pair[0])
        assert last[1] == pytest.approx(at, abs=110)


def test_a_begin_that_is_due_says_so_and_then_comes():
    drive = standing()
    target = frame(100, 1, 10, -50)
    kept = drive.core.supports.pool[:]
    drive.core.supports.pool[:] = []
    drive.message(1100, target)
    assert told(drive).state == "none"
    assert told(drive).reason == "displaced"
    drive.core.supports.pool[:] = kept
    assert told(drive).state == "due"
    assert said(drive).startswith("caution begins with the next judgement: ")
    drive.tick(1200)
    assert told(drive).state == "caution"


# In events


def test_events_say_why_with_the_records_numbers():
    record = [codes.COMMAND_SUPPORT, 1, 1000, 3, CROSSING, codes.LEVEL_CAUTION, 1, 0, 4711, 600, 100, 500, 4320]
    translator = Translator(Sources(), "en")
    event = translator.event([*record, codes.REASON_L4_REACHED], 1.0)
    assert event["why"] == "inside L4: 60.0 m - 10.0 m error = 50.0 m, limit 50.0 m"
    record[6] = 0
    event = translator.event([*record, codes.REASON_L4_REACHED], 1.0)
    assert event["why"].endswith("; not presented, others come first")
    record[9] = -120
    event = translator.event([*record, codes.REASON_TARGET_PASSED], 1.0)
    assert event["why"].startswith("the target has passed: 12.0 m beyond, error 10.0 m")
    record[4:7], record[9:13] = [SURROUNDING, 1, 1], [770, 100, 1000, NONE]
    assert translator.event([*record, codes.REASON_IN_RANGE], 1.0)["why"] == "in range: 77.0 m, limit 100.0 m"
    record[9:13] = [NONE] * 4
    assert translator.event([*record, codes.REASON_TOO_FAR], 1.0)["why"] == "the target is too far away"
    record[8] = NONE
    assert "why" not in translator.event([*record, codes.REASON_READY], 1.0)


def test_every_event_of_an_encounter_has_it():
    drive = standing(Target(15000), 20000)
    translator = Translator(Sources(), "en")
    lines = set()
    for one in drive.of("support"):
        fields = [one[name] for name in ("function", "level", "presented", "source", "vehicle_id")]
        fields += [one[name] for name in ("distance_dm", "error_dm", "threshold_dm", "ttc_ms")]
        event = translator.event([codes.COMMAND_SUPPORT, 0, one["t"], 0, *fields, CODES["REASON"][one["reason"]]], 1.0)
        assert ("why" in event) == (one["vehicle_id"] != NONE)
        lines.add(event.get("why"))
    assert {"kept for 3 s, now over", "in range: 99.9 m, limit 100.0 m"} & lines
    assert word("REASON", codes.REASON_HOLD_OVER) in {one["reason"] for one in drive.of("support")}
