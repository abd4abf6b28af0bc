-- The part of the dissector that is written by hand; the tables above come from the element table of asvkit.
-- Nothing here may raise: a frame may be cut anywhere, of any length, and hold any code. Numbers are written by
-- string.format alone, and no bit operators are used: Lua 5.2 (Wireshark 3.6 - 4.2) and 5.4 (4.4 on) differ there.

local asv = Proto("asv", "ASV V2V message")
if set_plugin_info then
    set_plugin_info({ version = ASVKIT, author = "asvkit", description = "Dissector of the ASV V2V message" })
end

-- Fields -------------------------------------------------------------------------------------------------------

local fields, field = {}, {} -- what is registered; the same by short name

local function register(name, made)
    field[name] = made
    fields[#fields + 1] = made
end

local function value_names(element)
    if not element.words then
        return nil
    end
    local names = {}
    for code = 0, 2 ^ element.bits - 1 do
        names[code] = "undefined"
    end
    for _, pair in ipairs(element.words) do
        names[pair[1]] = pair[2]
    end
    return names
end

for _, element in ipairs(ELEMENTS) do
    local about = string.format("Element %d of the message, %d bits", element.number, element.bits)
    local abbreviation = "asv." .. element.name
    if element.bits > 32 then
        register(element.name, ProtoField.string(abbreviation, element.label, base.ASCII, about))
    else
        local make = ProtoField[(element.signed and "int" or "uint") .. string.format("%d", element.bytes * 8)]
        register(element.name,
            make(abbreviation, element.label, base.DEC, value_names(element), element.mask, about))
    end
end
for _, value in ipairs(VALUES) do
    local abbreviation, key = "asv.value." .. value.name, "value." .. value.name
    value.key = key
    if value.kind == "number" then
        register(key, ProtoField.double(abbreviation, value.label))
    elseif value.kind == "integer" then
        register(key, ProtoField.uint32(abbreviation, value.label))
    elseif value.kind == "flag" then
        register(key, ProtoField.uint8(abbreviation, value.label, base.DEC, { [0] = "off", [1] = "on" }))
    else
        register(key, ProtoField.string(abbreviation, value.label))
    end
end
register("management", ProtoField.uint8("asv.management", "V2V/V2I management", base.DEC, nil, 0xE0))
register("version", ProtoField.uint8("asv.version", "Version", base.DEC, nil, 0x1F))
register("undefined", ProtoField.string("asv.undefined", "Element with an undefined code"))
register("malformed", ProtoField.string("asv.malformed", "Malformed"))
register("length", ProtoField.uint32("asv.length", "Length"))
register("data", ProtoField.bytes("asv.data", "Data"))
register("trailer", ProtoField.bytes("asv.trailer", "Trailer of an emergency vehicle's radio"))
register("mark", ProtoField.string("asv.trailer.mark", "Mark"))
register("key_id", ProtoField.uint32("asv.trailer.key_id", "Key id"))
register("time_ms", ProtoField.uint64("asv.trailer.time_ms", "Time of sending, ms since 1970"))
register("time", ProtoField.absolute_time("asv.trailer.time", "Time of sending", base.UTC))
register("age_ms", ProtoField.double("asv.trailer.age_ms", "Captured after sending"))
register("signature", ProtoField.bytes("asv.trailer.signature", "Ed25519 signature, not verified here"))
register("previous", ProtoField.framenum("asv.sender.previous", "Previous frame of this sender", base.NONE))
register("interval_ms", ProtoField.double("asv.sender.interval_ms", "Since the previous frame of this sender"))
register("missing", ProtoField.uint32("asv.sender.missing", "Frames missing before this one"))
asv.fields = fields

local mark = {
    length = ProtoExpert.new("asv.malformed.length", "Neither an ordinary nor a signed message",
        expert.group.MALFORMED, expert.severity.ERROR),
    version = ProtoExpert.new("asv.malformed.version", "Another version of the message",
        expert.group.MALFORMED, expert.severity.ERROR),
    trailer = ProtoExpert.new("asv.malformed.trailer", "The trailer has not its mark",
        expert.group.MALFORMED, expert.severity.ERROR),
    undefined = ProtoExpert.new("asv.undefined.code", "A code without a meaning",
        expert.group.PROTOCOL, expert.severity.WARN),
    cut = ProtoExpert.new("asv.cut", "Cut by the capture: what is missing is not shown",
        expert.group.UNDECODED, expert.severity.NOTE),
    unsigned = ProtoExpert.new("asv.emergency_unsigned", "Says to be an emergency vehicle, without a trailer",
        expert.group.SECURITY, expert.severity.WARN),
    time = ProtoExpert.new("asv.trailer.time_off", "Time of sending more than 2 s from the capture's clock",
        expert.group.SECURITY, expert.severity.NOTE),
    missing = ProtoExpert.new("asv.sender.lost", "Frames of this sender are missing",
        expert.group.SEQUENCE, expert.severity.NOTE),
    counter = ProtoExpert.new("asv.sender.counter", "The counter of this sender does not rise",
        expert.group.SEQUENCE, expert.severity.NOTE),
}
local experts = {}
for _, made in pairs(mark) do
    experts[#experts + 1] = made
end
asv.experts = experts
