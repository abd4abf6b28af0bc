// Runs a script on MicroPython's WebAssembly port with the exit codes of a native one; ports.py sends the request.
//
// The port has a file system in memory: what the script needs is copied there first. It collects garbage only when no
// Python runs, so it takes more heap instead, unless a limit is given: then no memory is left to take.
import fs from "node:fs";
import path from "node:path";

const OWN_HEAP = 32 * 1024 * 1024;
const PYSTACK_WORDS = 64 * 1024;
const KEPT = 64 * 1024; // of a limited run's memory, for calls from here: scripts themselves, error texts

const request = JSON.parse(fs.readFileSync(0, "utf8"));
let limited = false;
const complain = console.error;
console.error = (...words) => limited || complain(...words); // the runtime's own on memory it does not get

function writeAll(descriptor, data) {
    for (let at = 0; at < data.length; ) {
        try {
            at += fs.writeSync(descriptor, data, at);
        } catch (error) {
            if (error.code !== "EAGAIN") throw error;
        }
    }
}

const LIFT = "\u0001lift"; // printed alone where a script has failed
const waiting = { 1: [], 2: [] };
let held = 0;
function flush() {
    for (const descriptor of [1, 2]) writeAll(descriptor, Buffer.concat(waiting[descriptor].splice(0)));
    held = 0;
}
function take(stream, buffer, offset, length) {
    const piece = Buffer.from(buffer.subarray(offset, offset + length));
    if (length === LIFT.length && piece.toString("latin1") === LIFT) {
        lift();
        return length;
    }
    waiting[stream.fd].push(piece);
    held += 1;
    if (held > 4096) flush();
    return length;
}

function copy(FS, guest, host) {
    if (fs.statSync(host).isDirectory()) {
        FS.mkdirTree(guest);
        for (const name of fs.readdirSync(host)) {
            if (name !== "__pycache__") copy(FS, path.posix.join(guest, name), path.join(host, name));
        }
    } else {
        FS.mkdirTree(path.posix.dirname(guest));
        FS.writeFile(guest, fs.readFileSync(host));
    }
}

// Leaves the heap what it has: whatever else there is is taken, and no more comes
const grow = WebAssembly.Memory.prototype.grow;
const taken = [];
function limit() {
    limited = true;
    WebAssembly.Memory.prototype.grow = () => {
        throw new RangeError("limited");
    };
    const kept = mp._module._malloc(KEPT);
    for (let size = 16 * 1024 * 1024, at; size >= 16; size /= 2) {
        while ((at = mp._module._malloc(size))) taken.push(at);
    }
    mp._module._free(kept);
}
function lift() {
    WebAssembly.Memory.prototype.grow = grow;
    for (const at of taken.splice(0)) mp._module._free(at);
}

const { loadMicroPython } = await import(request.module);
const mp = await loadMicroPython({
    heapsize: request.heap || OWN_HEAP,
    pystack: PYSTACK_WORDS,
    stdout: () => {},
    stderr: () => {},
    linebuffer: false,
});
for (const descriptor of [1, 2]) {
    const stream = mp.FS.streams[descriptor];
    stream.stream_ops = { ...stream.stream_ops, write: take };
}
mp.FS.mkdirTree(request.cwd);
mp.FS.chdir(request.cwd);
for (const [guest, host] of request.files) copy(mp.FS, path.posix.resolve(request.cwd, guest), host);
mp.runPython("import sys as _sys,gc as _gc,micropython as _micropython"); // names that no script takes for its own
if (request.heap) limit();

const text = JSON.stringify; // its strings are Python's
// The port hangs where it finds no memory for the text of an error: so then there is, and no lock of the heap holds
const prepared = (code) => `try:
    ${code}
except BaseException:
    _sys.stdout.write(${text(LIFT)})
    while True:
        try:
            bytearray(64)
            break
        except MemoryError:
            _micropython.heap_unlock()
    raise
`;
// -1: SystemExit(0), which ends a script that has more stages
function python(code) {
    try {
        mp.runPython(prepared(code));
        return 0;
    } catch (error) {
        const exit = error.type === "SystemExit" && /SystemExit: ?(.*)\s*$/.exec(error.message);
        if (exit && /^(None)?$/.test(exit[1])) return -1;
        if (exit && /^-?\d+$/.test(exit[1])) return Number(exit[1]) & 255 ? exit[1] & 255 : -1;
        waiting[2].push(Buffer.from((exit ? exit[1] : error.message || String(error)) + "\n"));
        return 1;
    }
}

function all() {
    // Without ".frozen" nothing that a bare board lacks can be imported
    const folder = path.posix.dirname(request.script);
    let code = python(`_sys.path[:]=[${text(folder)}];_sys.argv[:]=[${[request.script, ...request.args].map((word) => text(word))}]`);
    code ||= python(`exec(compile(open(${text(request.script)}).read(),${text(request.script)},"exec"))`);
    if (!request.staged || code) return code;
    const tell = (name) => {
        python("_gc.collect()");
        return python(`print(${text(request.mark)}+"%s %d"%(${name},_gc.mem_alloc()))`);
    };
    code = tell('""');
    python("_stages=len(STAGES)");
    for (let at = 0; !code && at < mp.globals.get("_stages"); at++) {
        code = python(`STAGES[${at}]()`) || tell(`STAGES[${at}].__name__`);
    }
    return code;
}

const code = all();
flush();
process.exitCode = code < 0 ? 0 : code;
