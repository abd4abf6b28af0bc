-- What codes mean ----------------------------------------------------------------------------------------------

local function plain(number)
    return string.format(number == math.floor(number) and "%d" or "%.2f", number)
end

local function in_ranges(code, ranges)
    for _, range in ipairs(ranges) do
        if range[1] <= code and code <= range[2] then
            return true
        end
    end
    return false
end

-- By kind of coding: (element, code, values) -> what the code means, nil if nothing [D7]; known values are put in.
local meaning = {}

function meaning.number(element, code, values)
    if element.first <= code and code <= element.last then
        local value = (code - element.offset) * element.numerator / element.denominator
        values[element.value] = value
        return element.flag and FLAG_WORDS[code] or plain(value) .. element.suffix .. (element.bounds[code] or "")
    end
    return in_ranges(code, element.unknown) and "unknown" or nil
end

function meaning.words(element, code, values)
    for _, pair in ipairs(element.words) do
        if pair[1] == code then
            values[element.value] = pair[3]
            return pair[2]
        end
    end
    return nil
end

function meaning.brake(_, code, values)
    if code < 4 then
        return code == 0 and "unknown" or nil
    end
    values.brake = code % 2
    values.auxiliary_brake = code >= 6 and 1 or 0
    return FLAG_WORDS[values.brake] .. ", auxiliary " .. FLAG_WORDS[values.auxiliary_brake]
end

function meaning.accelerator(element, code, values)
    if code <= 100 then
        values.accelerator_percent = code
        values.accelerator_switch = code == 0 and 0 or nil
        return plain(code) .. " %"
    elseif code == element.on then
        values.accelerator_switch = 1
        return "switch on"
    end
    return element.others[code]
end

function meaning.distance(element, code, values)
    if code < element.far or code == element.far_code then
        values["intersection.distance_m"] = math.min(code, element.far)
        return plain(values["intersection.distance_m"]) .. " m" .. (code < element.far and "" or " or more")
    end
    return code == element.none and "unknown" or nil
end

function meaning.availability(element, code)
    for _, pair in ipairs(element.words) do
        if pair[1] == code then
            return pair[2]
        end
    end
    return nil
end

-- Degrees of an angle at its degree element; nil: not captured, or none that exists [D2].
local function angle(codes, part)
    local degree, minute, second = codes[part.at], codes[part.at + 1], codes[part.at + 2]
    if not (degree and minute and second) or minute > 59 or second > 5999 then
        return nil
    end
    local hundredths = math.abs(degree) * 360000 + minute * 6000 + second
    if hundredths > part.limit * 360000 then
        return nil
    end
    return (degree < 0 and -hundredths or hundredths) / 360000
end

-- Numbers of the elements of angles and time whose codes are out of range.
local function undefined_parts(codes, levels)
    local wrong = {}
    for _, part in ipairs(ANGLES) do
        local degree, minute, second = codes[part.at], codes[part.at + 1], codes[part.at + 2]
        if levels[part.unit] > 0 and degree then
            local whole = minute and second and minute <= 59 and second <= 5999
            wrong[part.at] = math.abs(degree) > part.limit or (whole and not angle(codes, part)) or nil
            wrong[part.at + 1] = minute and minute > 59 or nil
            wrong[part.at + 2] = second and second > 5999 or nil
        end
    end
    for n, top in ipairs({ 23, 59, 59 }) do
        local at = TIME_AT + n - 1
        wrong[at] = levels.time > 0 and codes[at] and codes[at] > top or nil
    end
    return wrong
end

-- Availability of the units that have one: 0, 1 or 3 [D9].
local function levels_of(codes)
    local levels = {}
    for unit, at in pairs(AVAILABILITY_AT) do
        local code = codes[at]
        levels[unit] = (code == 3 or (code == 1 and unit ~= "intersection")) and code or 0
    end
    levels.time = levels.position
    return levels
end

local function readable(levels, element)
    local level = levels[element.unit] or 3
    return level == 3 or (level == 1 and element.mandatory)
end

-- Codes by element number; what lies behind the end of the captured bytes is absent.
local function codes_of(tvb)
    local codes, captured = {}, tvb:len()
    local whole = captured > 0 and tvb(0, math.min(captured, MESSAGE_BYTES))
    for number, element in ipairs(ELEMENTS) do
        if element.byte + element.bytes <= captured then
            if element.bits > 32 then
                codes[number] = 0 -- not needed but to be shown
            else
                local code = whole:bitfield(element.bit, element.bits)
                if element.signed and code >= 2 ^ (element.bits - 1) then
                    code = code - 2 ^ element.bits
                end
                codes[number] = code
            end
        end
    end
    return codes
end

-- What a code means and the values it holds, remembered where an element has few codes.
local remembered = {}

local function meaning_of(number, element, code)
    local known = remembered[number]
    local entry = known and known[code]
    if not entry then
        entry = { values = {} }
        entry.text = meaning[element.kind](element, code, entry.values)
        if element.bits <= 9 then
            known = known or {}
            remembered[number], known[code] = known, entry
        end
    end
    return entry.text, entry.values
end

-- Known values by name, what each code means by element number, and the numbers of undefined ones.
local function interpret(codes)
    local levels, values, meanings = levels_of(codes), {}, {}
    local undefined, usable = undefined_parts(codes, levels), {}
    for unit, level in pairs(levels) do
        usable[unit] = level
    end
    for _, part in ipairs(ANGLES) do
        if not angle(codes, part) then -- such a unit is unavailable [D2], and the time with the position [D9]
            usable[part.unit] = 0
        end
    end
    usable.time = usable.position
    for number, element in ipairs(ELEMENTS) do
        local code = codes[number]
        if code and meaning[element.kind] then
            local always = element.kind == "availability"
            local found
            meanings[number], found = meaning_of(number, element, code)
            if not meanings[number] and (always or readable(levels, element)) then
                undefined[number] = true
            end
            if readable(usable, element) then
                for name, value in pairs(found) do
                    values[name] = value
                end
            end
        end
    end
    for _, part in ipairs(ANGLES) do
        if usable[part.unit] > 0 then
            values[part.value] = angle(codes, part)
        end
    end
    local hour, minute, second = codes[TIME_AT], codes[TIME_AT + 1], codes[TIME_AT + 2]
    if usable.time > 0 and second and hour <= 23 and minute <= 59 and second <= 59 then
        values.fix_time_jst = string.format("%02d:%02d:%02d", hour, minute, second)
    end
    return { values = values, meanings = meanings, undefined = undefined, levels = levels, usable = usable }
end
