"""What names in car databases say about a signal: English, German and romaji words. Tables only.

A pattern's points say how much it tells; what speaks against a signal (a target, a fault bit) takes points off.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How one ASV signal is told by its name: the best pattern counts; then the message's; then all against it."""

    names: tuple[tuple[str, int], ...]
    messages: tuple[tuple[str, int], ...] = ()
    against: tuple[tuple[str, int], ...] = ()
    bits: tuple[int, int] = (1, 64)


_NOT_MEASURED: Final = (  # wished, limited, told of others, or about the signal instead of the signal
    (
        r"target|trgt|(^|[^f])set(?!s)|req|rq|cmd|command|demand|"
        r"dmd|soll|wunsch|anf(?!a)|desired|limit|lim(?!ou)|intent",
        30,
    ),
    (
        r"fault|fail|falt|error|(?<![fk])err(?!a)|defekt|def$|diag|"
        r"valid|qbit|qf$|status?flag|fehler|init|plaus|ersatz",
        35,
    ),
    (r"checksum|chksum|crc|counter|cnt|zaehler|alive|^bz|cs$|xor|bitcount", 60),
    (
        r"trail|trlr|anhaenger|aag|track\d|obj(ect)?\d|lead|(?<!ba)relspe|"
        r"relspd|radar|camera|(^|_)cam|gps|nav|tmu|hu(gw|avm)",
        40,
    ),
    (r"delta|diff|gradient|offset|scal|unit$|einheit|max(?!i)|(^|[^gd])min(?!g)|avg|mean(?!w)|threshold|compens", 20),
    (
        r"acc(?!el|p|t|_?[xy](_|$)|_long)|cruise|ldw|lkas|lka|(^|_)aeb|"
        r"fcw|(^|_)scc|tja|(^|_)adr|tsk|hud|chime|msgtxt|txt|msg|dsply",
        14,
    ),
    (r"button|btn|taste", 4),
    (r"learn|calib|supp?ort|avail|enabl|config|cfg(?!w)|warn(?!b)|alarm|inhibit|verbot", 18),
)

# Of a message: it tells what others wish, see or show, or it stands in for the usual one.
MESSAGES_AGAINST: Final = (
    (r"trail|trlr|anhaenger|aag|track_?\d|radar|camera|(^|_)cam|gps|nav|tmu|lead|^ea_|notf|das_", 20),
    (
        r"propilot|acc(?!el|ped)|cruise|lkas|lka_|hud|aeb|fcw|scc|"
        r"tsk|adas|_adr|control|cmd|command|request|req$|target",
        8,
    ),
    (r"hybrid|hev|_alt|related|copy|[a-z]_[2-9]$", 3),
    (r"display|dash|cluster|clu\d|kombi", 2),
)

SIGNALS: Final[dict[str, Vocabulary]] = {
    "speed": Vocabulary(
        names=(
            (
                r"(veh|vhcl|vehicle|car|fahrzeug|fzg|abs|esp)(icle)?_?(v|"
                r"spd|speed|geschw(indigkeit)?)(_|$|sig|act|avg)",
                42,
            ),
            (
                r"^(vehicle|car|veh)?_?(speed|spd|vspd|vspeed|shasoku|"
                r"geschwindigkeit)(_?(kph|kmh|mph|signal|actual))?$",
                42,
            ),
            (r"vsignal|vego|vactl|vact$|vveh|vehv|fahrgeschw|vehspd|vspd|vehvactl|geschwindigkeitkombi", 38),
            (r"xmissionspeed|vehiclespeed|speedoverground|speedkph|speedmph", 34),
            (r"speed|spd|geschw|velocity|sokudo|shasoku", 20),
            (r"(^|_)vel(_|$)|vitesse|(^|_)v_", 12),
        ),
        messages=(
            (r"speed|spd|geschw|vitesse|sokudo", 6),
            (
                r"abs|"
                r"esp|esc|vsc|vdc|vsa|brake|brems|dynamics|motion",
                5,
            ),
        ),
        against=(
            *_NOT_MEASURED,
            (r"wheel|whl|rad(?!a|i)|(^|_)(f|r)(l|r)(_|$)", 14),
            (
                r"engine|eng(?!a)|motor(?!_speed_v)|rpm|fan|wiper|"
                r"turbine|shaft|steer|lenk|crank|idle|cam(?!e)|turbo",
                60,
            ),
            (
                r"wind(?!igk)|pump|gear_?box|clutch|belt|seat|window|blower|compress|rotor|pulse|sas|yaw|gier|str(?!e)",
                45,
            ),
            (r"display|displ|angez|dash|cluster|clu(?!t)|kombi|speedo|dsp|rough|ui|tacho", 10),
            (r"change|adapt|assist|control|ctrl|level|sign(?!al)|map|traffic|tsr|tempo|tel|obd|curve|hold", 22),
            (r"lat(?!c)|quer|later|vert|obs", 30),
        ),
        bits=(7, 32),
    ),
    "brake": Vocabulary(
        names=(
            (r"(brake|brk|stop)_?(lamp|light|lght|licht|lt)|bremsl|brakelights?", 42),
            (r"fahrerbremst|user_?brake", 46),
            (r"driverbrake|brake_?(pedal)?_?pressed|brkpressed|brakedriver|driverbrak", 40),
            (r"brake_?(pedal)?_?(sw|switch|status|stat|active|appl|act|on|depressed|pushed|engaged)", 36),
            (
                r"brk_?(pedal|pdl|ped)?_?(sw|switch|swtch|status|stat|"
                r"active|appl|act|on|press)|bremspedal|bremstest",
                34,
            ),
            (r"^(driver)?brakes?$|^brk$|^bremse$|^stoplamp|^brakepedal\d?$|bls", 30),
            (r"brake|brk|brems|bls|seidou", 16),
        ),
        messages=((r"brake|brk|brems|pedal|body|bcm", 6),),
        against=(
            *_NOT_MEASURED,
            (r"park|hand|epb|pbrake|feststell|pbr|emerg|not(?=brems)|auto|computer|regen|retard|exhaust|engine", 30),
            (
                r"outage|fld|fluid|fluess|flss|wear|belag|temp|hold|"
                r"vac|boost|fuel|oil|pad|disc|key|asst|assist|bias",
                30,
            ),
            (r"pos|druck|tq|torq|moment|angle|hyd|decel|verzoeg|force|travel|ruck", 16),
            (r"press(?!ed)|error|light_?sw|shif|trn|trq|invert|start", 14),
            (r"(^|_)alt|fast|slow|comfort|vorbe|prefill|precharge|prefil|ready|dry|abs|and_", 12),
            (r"acc?el(?!erat)|gas|thrott|clutch|ecd|accelerator|cruise", 40),
        ),
        bits=(1, 3),
    ),
    "auxiliary_brake": Vocabulary(
        names=(
            (r"retarder|exhaust_?brake|engine_?brake_?(sw|act|stat)|aux(iliary)?_?brake|motorbremse|dauerbremse", 40),
        ),
        against=_NOT_MEASURED,
        bits=(1, 3),
    ),
    "winker": Vocabulary(
        names=(
            (
                r"turnsignals?$|turn_?(sig|stalk|lever|lvr|ind(icator)?)(al|"
                r"nal)?s?_?(sw|switch|stalk|lvr|lever|stat)?",
                36,
            ),
            (
                r"wink(?!el)|blinker|blinkhebel|turnlghtswtch|turnstalk|"
                r"mfsturn|turnindlvr|turnsw|indicatorstalk|houkou",
                36,
            ),
            (r"blink|turnlamp|turn_?li?ghts?|turnsig|turnind|dirind|directionind|flasher", 30),
            (r"(left|right)turn|turn(left|right)|indicator(left|right|_?[lr]$)|clignot", 26),
            (r"turn", 12),
        ),
        messages=(
            (r"turn|blink|wink|stalk|lever|light|licht|indicat", 8),
            (r"body|bcm|sccm|scm|column|gateway|steering", 3),
        ),
        against=(
            *_NOT_MEASURED,
            (
                r"outage|trailer|seat|steer(?!ing_?(lever|wheel_?sw))|"
                r"engturn|poin?t|tbt|icon|dist|defog|turn_?o(n|ff)$|idle$",
                45,
            ),
            (
                r"(assist|lane|blind|bsm|bsd|volume|hazard|warn|warnbl|"
                r"notf|high|beam|fog|wip|knob|turnaround|clock)",
                30,
            ),
            (r"trunk|return|turner|saturn|wpr|relative|value|sound|volume|anim|seq|winkel|button", 30),
        ),
        bits=(1, 4),
    ),
    "hazard": Vocabulary(
        names=(
            (r"haz(ard)?_?(sw|switch|light|lamp|btn|button|warn)|warnblink|hazard$|notblink", 40),
            (r"haz(z)?ard|hzrd|emergencyflash|4way", 26),
        ),
        messages=((r"blink|turn|light|body|bcm|stalk|licht", 6),),
        against=(
            *_NOT_MEASURED,
            (r"trailer|tele|tmu|das|crash|backlight|blis|cond", 22),
            (r"led|nmaktiv|nmh|aktiv_|takt", 14),
        ),
        bits=(1, 3),
    ),
    "shift": Vocabulary(
        names=(
            (
                r"gear_?(lever|lvr|shifter|selector|sel)_?(pos)?|"
                r"shift(er)?_?(lever|pos|position)|prn?d|waehlhebel|selector",
                38,
            ),
            (
                r"^gear$|^shift(er)?$|gearpos(ition)?|fahrstufe|"
                r"gearshifter|lvr_?gear|geardisp|trany|shiftpos|^gearinf",
                34,
            ),
            (r"gear|shift|gang|lever_?pos|transm(ission)?_?(mode|state|range)|getriebestufe", 18),
        ),
        messages=((r"gear|shift|trans|getriebe|tcu|tcm|egs|cvt|lvr|selector", 8),),
        against=(
            *_NOT_MEASURED,
            (
                r"steer|turn|actual|ist|curr|target|number|numb|num$|"
                r"ratio|box|steeringangle|upshift|downshift|paddle",
                12,
            ),
            (
                r"type|temp|lock|mode|shifting|trq|torq|xor|engag|butt|"
                r"cmd|up$|down$|plus|minus|sport|wiper|light|ind$",
                16,
            ),
            (r"reserv|ready|reverse_?(light|sw)|rvrse|neutral|ntrl", 12),
        ),
        bits=(2, 8),
    ),
    "accelerator": Vocabulary(
        names=(
            (
                r"(acc?el(erator)?|gas|fahr)_?(pedal|ped|pdl)(_?(pos|"
                r"position|wert|angle|percent(age)?|value))?|accped",
                40,
            ),
            (
                r"^acc?pdl|pedal_?gas|accelerator|user_?gas|fahrpedal|"
                r"pedalwert|appos|apsactl|throttle_?pedal|accelped",
                36,
            ),
            (r"pedal_?pos|pedalgas|accel_?pos|car_?gas|^gas$|driver_?gas|acc_?pos", 28),
            (r"pedal|^gas|throttle|drossel", 14),
        ),
        messages=((r"gas|pedal|accel|throttle|engine|motor|powertrain|pcm", 6),),
        against=(
            *_NOT_MEASURED,
            (r"brake|brk|brems|clutch|kuppl|lat|long|yaw|exhaust|abgas|temp|fuel|leergas|lpi", 60),
            (
                r"cruise|combined|combo|virtual|released|press(ed)?$|"
                r"kick|inv(erted)?|komplement|rate|speed|plate|valve",
                22,
            ),
            (r"throttle(?!_?pedal)|drossel|ungenau|roh", 8),
        ),
        bits=(6, 16),
    ),
    "accelerator_switch": Vocabulary(
        names=((r"(gas|acc(el(erator)?)?|throttle)_?(pedal|ped)?_?(pressed|depressed|sw|switch|active|pushed)", 34),),
        messages=((r"gas|pedal|accel|throttle|engine|motor", 4),),
        against=(*_NOT_MEASURED, (r"brake|brk|kick|inactive|clutch|released", 40)),
        bits=(1, 2),
    ),
    "acceleration": Vocabulary(
        names=(
            (
                r"(long(itudinal)?|lon|lgt|laengs|x)_?(acc(el(eration)?)?|"
                r"beschl)|(acc?el(eration)?)_?(x|long?|lgt)($|[^a-z])",
                40,
            ),
            (
                r"laengsbeschl|beschllaengs|vehicle_?acc_?x|acc_?x$|veh(long|lon)a|"
                r"vehlonga|accelx|^ax$|vehalong|ljounsoku|zengo|actlacc|vehacclx",
                36,
            ),
            (r"acc?el(eration)?$|^g_?sensor|beschl|accelerom", 14),
        ),
        messages=((r"kinematic|dynamic|esp|vsa|motion|g_?sensor|accel|imu|inertia", 6),),
        against=(
            *_NOT_MEASURED,
            (
                r"lat|quer|vert|later|pedal|gas|accelerat?or|throttle|"
                r"yaw|roll|(^|_)y$|(^|_)z$|accely|accelz|ref|stat$",
                45,
            ),
            (r"steer|offset|off|wheel|rear|seat|button", 30),
        ),
        bits=(7, 32),
    ),
    "yaw_rate": Vocabulary(
        names=(
            (
                r"yaw_?(rate|rt|velocity|speed|spd|w_?actl|_w)|"
                r"gier(rate|geschw|winkelgeschw)|vehyaw|yawcomp|yohrate",
                40,
            ),
            (r"^yaw$|yaw", 18),
        ),
        messages=((r"kinematic|dynamic|esp|vsa|motion|yaw|gier|imu|inertia|steering", 6),),
        against=(
            *_NOT_MEASURED,
            (
                r"^vz|vorz|sign$|stab|index|hitch|lin(_|$)|linw|nonlin|"
                r"fehler|_?2$|angle|roll(?!y)|stat$|sta(_|$)|acceleration",
                25,
            ),
        ),
        bits=(8, 32),
    ),
}
