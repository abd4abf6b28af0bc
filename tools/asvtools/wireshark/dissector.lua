-- What a list, a filter or an export needs of a frame is little: only that is built (visible: everything).
local function everything()
    return true
end

local function wanted_of(root)
    return root.visible and everything or root.referenced
end

-- The message --------------------------------------------------------------------------------------------------

local function opaque_hex(tvb, element)
    local head = element.bit % 8 == 0 and "" or string.format("%02x", tvb(element.byte, 1):bitfield(element.bit % 8,
        8 - element.bit % 8))
    local from = element.byte + (head == "" and 0 or 1)
    return head .. string.lower(tvb(from, element.byte + element.bytes - from):bytes():tohex())
end

local function show_element(branch, tvb, element, codes, read)
    local code, range = codes[element.number], tvb(element.byte, element.bytes)
    local item = element.bits > 32 and branch:add(field[element.name], range, opaque_hex(tvb, element))
        or branch:add(field[element.name], range)
    local text = element.part and string.format(element.part, code / element.divisor) or read.meanings[element.number]
    if read.undefined[element.number] then
        item:append_text(element.words and "" or " (undefined)")
        item:add(field.undefined, range, element.name):set_generated()
        item:add_proto_expert_info(mark.undefined, string.format("%s: code %d is undefined", element.name, code))
    elseif text and not element.words and text ~= string.format("%d", code) then
        item:append_text(" (" .. text .. ")")
    end
    if element.kind ~= "availability" and not readable(read.usable, element) then
        item:append_text(" [not read]")
    end
end

local function availability_text(unit, codes, read)
    local at = AVAILABILITY_AT[unit == "time" and "position" or unit]
    if not at then
        return ""
    elseif read.levels[unit] > 0 and read.usable[unit] == 0 then
        return codes[ELEMENTS[at].unit == "position" and 13 or 38] and ", not usable: no such place" or ""
    end
    return ", " .. (read.meanings[at] or "not available")
end

local function show_unit(root, wanted, tvb, unit, codes, read)
    local first, last = ELEMENTS[unit.first], ELEMENTS[unit.last]
    local captured = math.min(tvb:len(), last.byte + last.bytes)
    local branch = root
    if wanted == everything then
        branch = root:add(tvb(first.byte, captured - first.byte), unit.label)
        branch:append_text(availability_text(unit.name, codes, read))
    end
    for number = unit.first, unit.last do
        local name = ELEMENTS[number].name
        if codes[number] and (read.undefined[number] or wanted(root, field[name])) then
            show_element(branch, tvb, ELEMENTS[number], codes, read)
        end
    end
end

local function show_version(root, wanted, tvb)
    for _, name in ipairs({ "management", "version" }) do
        if wanted(root, field[name]) then
            root:add(field[name], tvb(0, 1))
        end
    end
end

local function show_values(root, wanted, tvb, values)
    local branch = root
    if wanted == everything then
        branch = root:add(tvb(0, math.min(tvb:len(), MESSAGE_BYTES)), "Values")
        branch:set_generated()
    end
    for _, value in ipairs(VALUES) do
        local known, made = values[value.name], field[value.key]
        if known and tvb:len() >= value.byte + value.bytes and wanted(root, made) then
            local item = branch:add(made, tvb(value.byte, value.bytes), known)
            item:append_text(value.suffix)
            item:set_generated()
        end
    end
end

-- One sender's frames, in the order of the capture --------------------------------------------------------------

local senders, found_by_frame = {}, {}

function asv.init()
    senders, found_by_frame = {}, {}
end

local function follow_sender(pinfo, codes)
    if not pinfo.visited and codes[3] then
        local sender = string.format("%s %s %d", tostring(pinfo.src), tostring(pinfo.src_port), codes[3])
        local previous = senders[sender]
        if previous then
            local interval = pinfo.abs_ts - previous.time
            local step = (codes[2] - previous.counter) % 256
            -- The counter comes round in 25.6 s: beyond half of it nothing can be told
            local told = math.abs(interval) < 12.8
            found_by_frame[pinfo.number] = {
                number = previous.number, interval_ms = math.floor(interval * 1e6 + 0.5) / 1e3,
                missing = told and step > 0 and step < 128 and step - 1 or nil,
                standing = told and (step == 0 or step >= 128) or nil,
            }
        end
        senders[sender] = { number = pinfo.number, time = pinfo.abs_ts, counter = codes[2] }
    end
    return found_by_frame[pinfo.number]
end

local function show_sender(root, wanted, found)
    if wanted(root, field.previous) then
        root:add(field.previous, found.number):set_generated()
    end
    if wanted(root, field.interval_ms) then
        local item = root:add(field.interval_ms, found.interval_ms)
        item:append_text(" ms")
        item:set_generated()
    end
    if found.missing and (found.missing > 0 or wanted(root, field.missing)) then
        local item = root:add(field.missing, found.missing)
        item:set_generated()
        if found.missing > 0 then
            item:add_proto_expert_info(mark.missing, string.format("%d frames of this sender missing", found.missing))
        end
    elseif found.standing then
        root:add_proto_expert_info(mark.counter)
    end
end

-- Trailer ------------------------------------------------------------------------------------------------------

local function show_trailer(root, tvb, pinfo)
    local at = MESSAGE_BYTES
    local branch = root:add(field.trailer, tvb(at, TRAILER_BYTES))
    branch:set_text("Trailer of an emergency vehicle's radio")
    branch:add(field.mark, tvb(at, 2), tvb(at, 2):string())
    branch:add(field.key_id, tvb(at + 2, 4))
    branch:add(field.time_ms, tvb(at + 6, 8))
    local time_ms = tvb(at + 6, 4):uint() * 2 ^ 32 + tvb(at + 10, 4):uint()
    if time_ms < YEAR_10000_MS then
        local item = branch:add(field.time, tvb(at + 6, 8),
            NSTime.new(math.floor(time_ms / 1000), math.floor(time_ms % 1000) * 1000000))
        local age_ms = math.floor((pinfo.abs_ts * 1000 - time_ms) * 1000 + 0.5) / 1000
        item = branch:add(field.age_ms, age_ms)
        item:append_text(" ms")
        item:set_generated()
        if math.abs(age_ms) > 2000 then
            item:add_proto_expert_info(mark.time)
        end
    else
        branch:add_proto_expert_info(mark.time, "Time of sending beyond the year 9999")
    end
    branch:add(field.signature, tvb(at + 14, 64))
    branch:append_text(string.format(", key %.0f", tvb(at + 2, 4):uint()))
end

-- The line in the list -----------------------------------------------------------------------------------------

local function info_text(codes, values, signed, signed_by, found)
    local parts = {}
    local function say(known, form, ...)
        if known then
            parts[#parts + 1] = string.format(form, ...)
        end
    end
    say(values.emergency == 1, signed and "EMERGENCY" or "EMERGENCY (unsigned)")
    say(values.vehicle_id, "%s %d", values.vehicle_kind or "vehicle", values.vehicle_id)
    say(values.increment_counter, "#%d", values.increment_counter)
    say(values.latitude_deg, "%.6f,%.6f", values.latitude_deg, values.longitude_deg)
    say(values.latitude_deg and values.horizontal_error_m, "±%d m", values.horizontal_error_m)
    say(codes[13] and not values.latitude_deg, "no position")
    say(values.speed_kmh, "%d km/h", values.speed_kmh)
    say(values.direction_deg, "%d°", values.direction_deg)
    say(values.speed_kmh and codes[21] and not values.direction_deg, "no direction")
    say(values.forward_acceleration_mps2, "%+.2f m/s²", values.forward_acceleration_mps2)
    say(codes[21] and not values.speed_kmh, "no speed")
    say(values.brake == 1, "brake")
    for _, word in ipairs({ "winker", "hazard", "shift" }) do
        say(values[word] and not QUIET[values[word]], "%s %s", word, values[word])
    end
    local node_m = values["intersection.distance_m"]
    say(node_m, "intersection %d m", node_m)
    say(signed_by, "key %.0f", signed_by)
    say(found and (found.missing or 0) > 0, "[%d missing]", found and found.missing)
    say(found and found.standing, "[counter does not rise]")
    return table.concat(parts, "  ")
end

-- Entry --------------------------------------------------------------------------------------------------------

-- Why a frame is none, and where it stands: nil, or a word and a sentence for people.
local function fault_of(tvb)
    local length, captured = tvb:reported_len(), tvb:len()
    local signed = MESSAGE_BYTES + TRAILER_BYTES
    if length ~= MESSAGE_BYTES and length ~= signed then
        local checked = length == MESSAGE_BYTES + FCS_BYTES or length == signed + FCS_BYTES
        return "length", string.format("%d bytes, neither %d nor %d%s", length, MESSAGE_BYTES, signed,
            checked and "; with a frame check sequence? see preference eth.fcs" or "")
    elseif captured >= 1 and tvb(0, 1):bitfield(3, 5) ~= VERSION then
        return "version", string.format("version %d, not %d", tvb(0, 1):bitfield(3, 5), VERSION)
    elseif length > MESSAGE_BYTES and captured >= MESSAGE_BYTES + 2
        and tvb(MESSAGE_BYTES, 2):string() ~= TRAILER_MARK then
        return "trailer", string.format("the trailer begins with %s, not %s",
            string.lower(tvb(MESSAGE_BYTES, 2):bytes():tohex()), TRAILER_MARK)
    end
    return nil
end

function asv.dissector(tvb, pinfo, tree)
    local captured, length = tvb:len(), tvb:reported_len()
    local root = captured > 0 and tree:add(asv, tvb(0, captured)) or tree:add(asv)
    pinfo.cols.protocol = "ASV"
    local fault, sentence = fault_of(tvb)
    if fault then
        local item = root:add(field.malformed, fault)
        item:set_generated()
        item:add_proto_expert_info(mark[fault], "Malformed: " .. sentence)
        root:add(field.length, length):set_generated()
        if captured > 0 then
            root:add(field.data, tvb(0, captured))
        end
        root:append_text(", malformed: " .. sentence)
        pinfo.cols.info = "Malformed: " .. sentence
        return captured
    end
    local codes = codes_of(tvb)
    local read = interpret(codes)
    local values = read.values
    local signed_by = captured >= MESSAGE_BYTES + TRAILER_BYTES and tvb(MESSAGE_BYTES + 2, 4):uint() or nil
    local found = follow_sender(pinfo, codes)
    local text = info_text(codes, values, length > MESSAGE_BYTES, signed_by, found)
    if next(read.undefined) then
        text = text .. "  [undefined codes]"
    end
    if captured < length then
        text = string.format("%s  [cut at %d of %d bytes]", text, captured, length)
        root:add_proto_expert_info(mark.cut)
    end
    pinfo.cols.info = text
    root:append_text(", " .. text)
    local wanted = wanted_of(root)
    if found then
        show_sender(root, wanted, found)
    end
    if captured > 0 then
        show_version(root, wanted, tvb)
        show_values(root, wanted, tvb, values)
        for _, unit in ipairs(UNITS) do
            if codes[unit.first] then
                show_unit(root, wanted, tvb, unit, codes, read)
            end
        end
    end
    if signed_by then
        show_trailer(root, tvb, pinfo)
    elseif values.emergency == 1 and length == MESSAGE_BYTES then
        root:add_proto_expert_info(mark.unsigned)
    end
    return captured
end

-- Where it listens ---------------------------------------------------------------------------------------------

local udp_ports = UDP_PORT
asv.prefs.udp_ports = Pref.range("UDP ports", udp_ports, "Ports of [radio] port, 47100 unless configured", 65535)
DissectorTable.get("udp.port"):add(udp_ports, asv)
DissectorTable.get("ethertype"):add(ETHERTYPE, asv)

function asv.prefs_changed()
    local wanted = tostring(asv.prefs.udp_ports)
    if wanted ~= udp_ports then
        if udp_ports ~= "" then
            DissectorTable.get("udp.port"):remove(udp_ports, asv)
        end
        if wanted ~= "" then
            DissectorTable.get("udp.port"):add(wanted, asv)
        end
        udp_ports = wanted
    end
end
