"""Private keys in files, what is signed with them, and public keys on their way into a configuration."""

import json
import os
import shutil
import socket
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from asvtools import keys_command
from asvtools.cli import run
from asvtools.trusted_keys import given_keys, trust, with_keys
from asvunit.authority import WINDOW_MS, Authority
from asvunit.config import load_config
from asvunit.config_text import config_text
from asvunit.errors import AsvkitError, UsageError
from asvunit.message import decode, encode, raw_from_values
from asvunit.ports import RadioFrame
from asvunit.radio.own_key import OwnKey, load_own_key, new_own_key
from asvunit.radio.signer import Signer, ordinary
from asvunit.trailer import key_and_time, split

NOW_MS = 1_790_000_000_000
PEM = Encoding.PEM
PKCS8 = PrivateFormat.PKCS8
NONE = NoEncryption()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "ambulance.key"
    new_own_key(path, 0x2A01)
    return path


def write(path: Path, content: bytes | str, mode: int = 0o600) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(UsageError) as error:
        load_own_key(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{path}: ")


# The file of a private key


def test_a_new_key_is_its_owners_alone_and_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "fire engine.key"
    made = new_own_key(path, 7)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["fire engine.key"]
    read = load_own_key(path)
    assert (read.key_id, read.private.private_bytes_raw()) == (7, made.private.private_bytes_raw())
    assert made.private.private_bytes_raw() != new_own_key(tmp_path / "other", 7).private.private_bytes_raw()
    assert "private" not in repr(read)


def test_a_new_key_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        new_own_key(tmp_path / "a.key", 7)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("what", ["file", "link", "dangling", "folder"])
def test_new_never_overwrites(tmp_path: Path, what: str) -> None:
    path, other = tmp_path / "a.key", tmp_path / "other"
    if what == "file":
        path.write_text("mine")
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to(other)
        if what == "link":
            other.write_text("mine")
    with pytest.raises(UsageError, match="exists and is left as it is"):
        new_own_key(path, 7)
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
    assert what != "file" or path.read_text() == "mine"
    assert what != "link" or other.read_text() == "mine"
    assert what != "dangling" or not other.exists()


def test_new_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(AsvkitError, match="cannot be written: No such file"):
        new_own_key(tmp_path / "nowhere" / "a.key", 7)


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_new_without_the_name_of_a_file(capfd, name: str) -> None:
    assert run(["keys", "new", name]) == 2
    assert capfd.readouterr().err == f"asvkit: {Path(name)}: no name of a file; name one\n"


def test_openssl_reads_a_new_key_and_its_keys_are_read(tmp_path: Path, key_file: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")

    def run(*words: str | Path) -> bytes:
        return subprocess.run([openssl, *map(str, words)], check=True, capture_output=True, timeout=20).stdout

    raw = load_own_key(key_file).private.public_key().public_bytes_raw()
    assert run("pkey", "-in", key_file, "-pubout", "-outform", "DER")[-32:] == raw
    made = run("genpkey", "-algorithm", "ed25519")
    path = write(tmp_path / "openssl.key", b"Key id: 77\n" + made)
    assert load_own_key(path).key_id == 77
    assert "no line names the key's id" in refusal(write(tmp_path / "bare.key", made))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o644, 0o777, 0o610])
def test_a_key_that_others_can_read_or_change_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    assert refusal(key_file) == f"others than its owner can read or change it; chmod 600 {key_file}"
    key_file.chmod(0o400)
    assert load_own_key(key_file).key_id == 0x2A01


def test_a_key_of_another_user_is_refused(key_file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: to give a file away")
    os.chown(key_file, 12345, -1)
    assert refusal(key_file).startswith("belongs to another user")


def test_what_is_no_file_is_refused_and_nothing_waits(tmp_path: Path, key_file: Path) -> None:
    (tmp_path / "link").symlink_to(key_file)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))
        assert "symbolic link" in refusal(tmp_path / "link")
        assert "symbolic link" in refusal(tmp_path / "loop")
        assert "no file" in refusal(tmp_path / "pipe")
        assert "cannot be read" in refusal(tmp_path / "socket")
    assert "no file" in refusal(tmp_path)
    assert "not there; make one with: asvkit keys new" in refusal(tmp_path / "absent")
    assert "no file" in refusal(Path("/dev/null"))
    assert "more than 16384 bytes" in refusal(write(tmp_path / "big", b"x" * 20_000))


def other_files() -> dict[str, tuple[bytes, str]]:
    own = ed25519.Ed25519PrivateKey.generate()
    pem = own.private_bytes(PEM, PKCS8, NONE)
    return {
        "empty": (b"", "no private key in PEM"),
        "garbage": (bytes(range(256)) * 8, "no private key in PEM"),
        "raw": (own.private_bytes_raw(), "no private key in PEM"),
        "encrypted": (own.private_bytes(PEM, PKCS8, BestAvailableEncryption(b"x")), "is encrypted"),
        "public": (own.public_key().public_bytes(PEM, PublicFormat.SubjectPublicKeyInfo), "a public key"),
        "two": (b"Key id: 1\n" + pem + pem, "more than one key"),
        "openssh": (own.private_bytes(PEM, PrivateFormat.OpenSSH, NONE), "a openssh private key, not an Ed25519"),
        "rsa": (
            b"Key id: 1\n" + rsa.generate_private_key(65537, 1024).private_bytes(PEM, PKCS8, NONE),
            "kind RSA, not Ed25519",
        ),
        "ec": (
            b"Key id: 1\n" + ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, NONE),
            "not Ed25519",
        ),
        "x25519": (
            b"Key id: 1\n" + x25519.X25519PrivateKey.generate().private_bytes(PEM, PKCS8, NONE),
            "kind X25519, not Ed25519",
        ),
        "no id": (pem, "no line names the key's id"),
        "two ids": (b"Key id: 1\nKey id: 2\n" + pem, "2 lines name"),
        "bad id": (b"Key id: -5\n" + pem, "'-5' is no key id"),
        "great id": (b"Key id: 0x100000000\n" + pem, "0 to 4294967295 fit"),
        "cut": (b"Key id: 1\n" + pem[:-40], "damaged"),
        "changed": (b"Key id: 1\n" + pem.replace(b"MC4", b"MCQ"), "damaged"),
    }


def test_other_files_are_refused_by_what_they_are(tmp_path: Path) -> None:
    for name, (content, said) in other_files().items():
        assert said in refusal(write(tmp_path / name, content)), name


@given(st.binary(max_size=300))
def test_any_bytes_behind_an_id_are_one_line(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.key"
        write(path, b"Key id: 1\n-----BEGIN PRIVATE KEY-----\n" + content + b"\n-----END PRIVATE KEY-----\n")
        refusal(path)


# What is signed


class Clock:
    def __init__(self, now_ms: int | None = NOW_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int | None:
        return self.now_ms


def message(counter: int = 0, **more: Any) -> bytes:
    return encode(raw_from_values({"increment_counter": counter, "emergency": True, "speed_kmh": 50, **more}))


@pytest.fixture
def own(key_file: Path) -> OwnKey:
    return load_own_key(key_file)


def test_what_is_sealed_is_accepted_by_those_who_trust(own: OwnKey) -> None:
    clock = Clock()
    signer, authority = Signer(own, clock), Authority({own.key_id: own.private.public_key()})
    for counter in range(30):
        frame = signer.seal(message(counter))
        assert len(frame) == 178
        assert frame[:100] == message(counter)
        heard = RadioFrame(clock() * 1_000_000, "a", frame)  # type: ignore[operator]
        assert authority.judge(heard, clock()) == ""
        assert clock.now_ms is not None
        clock.now_ms += 100
    assert signer.counters == {"signed": 30}


def test_without_a_trusted_time_it_is_an_ordinary_vehicle_and_says_so(own: OwnKey) -> None:
    clock = Clock(None)
    signer = Signer(own, clock)
    frame = signer.seal(message(5))
    assert frame == message(5, emergency=False)
    assert signer.fault == "no trusted time (GNSS): sent as an ordinary vehicle, unsigned"
    clock.now_ms = NOW_MS
    assert len(signer.seal(message(6))) == 178
    assert signer.fault == ""
    assert signer.counters == {"unsigned": 1, "signed": 1}


@given(st.binary(min_size=100, max_size=100))
def test_an_ordinary_message_differs_in_42_and_43_alone(payload: bytes) -> None:
    before, after = decode(b"\x01" + payload[1:]), decode(ordinary(b"\x01" + payload[1:]))
    assert after == before | {"emergency_attention": 0, "particular_vehicle_information": 0}


def test_times_rise_with_each_frame_whatever_the_clock_does(own: OwnKey) -> None:
    clock = Clock()
    signer = Signer(own, clock)
    times = []
    for now_ms in (NOW_MS, NOW_MS, NOW_MS - 500, NOW_MS - WINDOW_MS + 10, NOW_MS + 1, NOW_MS + 100):
        clock.now_ms = now_ms
        times.append(key_and_time(signer.seal(message()))[1] - NOW_MS)
    assert times == [0, 1, 2, 3, 4, 100]
    assert signer.counters == {"signed": 6, "time_back": 4}


def test_a_clock_that_was_a_day_ahead_is_followed_back(own: OwnKey) -> None:
    clock = Clock(NOW_MS + 86_400_000)
    signer = Signer(own, clock)
    signer.seal(message())
    clock.now_ms = NOW_MS
    assert key_and_time(signer.seal(message()))[1] == NOW_MS


# Public keys


def line(number: int, key_id: int | None = None) -> str:
    made = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return OwnKey(number if key_id is None else key_id, made).public_line()


def keys_of(path: Path) -> dict[str, str]:
    return load_config(path).emergency.keys


@pytest.mark.parametrize(
    "form",
    ['{i} = "{k}"', "{i} = '{k}'", '"{i}" = "{k}"', "{i} {k}", "{i}: {k}", '  {i}="{k}"  # ambulance 3 ', "{i}\t{k}"],
)
def test_a_line_is_read_however_it_was_copied(form: str) -> None:
    key = line(1).split('"')[1]
    assert given_keys(form.format(i="0x1", k=key)) == {1: key}
    assert given_keys(form.format(i="1", k=key.upper())) == {1: key}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the line: no key in it"),
        ("hello", "'hello' is no public key"),
        ("0x1 = 'abcd'", "the line: 4 characters; give the raw Ed25519 public key"),
        ("0x1 = '" + "0" * 64 + "'", "no Ed25519 public key"),
        ("zz " + "0" * 64, "'zz' is no key id"),
        ("nowhere/a.pub", "no such file"),
        ("a.pub", "no such file"),
        ("x" * 5000, "is no public key"),
        ("a\0b", "is no public key"),
    ],
)
def test_what_is_no_line_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        given_keys(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_files_of_lines(tmp_path: Path, key_file: Path) -> None:
    path = write(tmp_path / "all.pub", f"# the city's\n[emergency.keys]\n{line(1)}\n\n{line(2)} # new\n")
    assert list(given_keys(str(path))) == [1, 2]
    with pytest.raises(UsageError, match=f"a private key.*asvkit keys public {key_file}"):
        given_keys(str(key_file))
    path.write_text(f"{line(1)}\n{line(2, 1)}\n")
    with pytest.raises(UsageError, match=r"all\.pub: line 2: key id 0x00000001 is there already, with another key"):
        given_keys(str(path))
    path.write_text(f"{line(1)}\n{line(1, 2)}\n")
    with pytest.raises(UsageError, match="line 2: this key is there already, as 0x00000001"):
        given_keys(str(path))
    with pytest.raises(UsageError, match="cannot be read"):
        given_keys(str(tmp_path))


A, B = line(1), line(2)
CONFIGS = {
    "empty": "",
    "no end of line": "seed = 5",
    "table": f"# mine\n[emergency]  # keys\nenabled = true # yes\n\n[emergency.keys] # ours\n{A} # 1\n\n# end\n[hmi]\n",
    "table at the end": f"[emergency.keys]\n{A}",
    "empty table": "[emergency.keys]\n[hmi]\ngpio = 'off'\n",
    "table before": "[emergency]\nenabled = false\n",
    "inline": f"[emergency]\nenabled = true\nkeys = {{ {A} }} # those\n[hmi]\n",
    "inline, none": "[emergency]\nkeys = {}\n[hmi]\n",
    "windows": f"[emergency.keys]\r\n{A}\r\n[hmi]\r\n",
    "mark": "\ufeffseed = 3\n",
    "as written by init": config_text(),
    "init, keys taken in": config_text().replace("# keys = {", "keys = {"),
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_trust_adds_and_keeps_all_the_rest(tmp_path: Path, text: str) -> None:
    path = tmp_path / "unit.toml"
    path.write_bytes(text.encode())
    path.chmod(0o640)
    before = load_config(path)
    trust(path, given_keys(B))
    trust(path, given_keys(line(3)))
    after = load_config(path)
    added = {"0x00000002": B.split('"')[1], "0x00000003": line(3).split('"')[1]}
    assert after.emergency.keys == before.emergency.keys | added
    assert after.model_copy(update={"emergency": before.emergency}) == before
    written = path.read_bytes().decode()
    kept = iter(written)
    assert all(letter in kept for letter in text)  # comments and all, in their order
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["unit.toml"]
    assert ("\r\n" in text) == ("\n" not in written.replace("\r\n", ""))


@pytest.mark.parametrize(
    "text", [f"emergency = {{ keys = {{ {A} }} }}\n", f"emergency.keys.{A}\n", f"[emergency]\nkeys.{A}\n"]
)
def test_what_cannot_be_added_to_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "unit.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"make \[emergency.keys\] a table of its own"):
        trust(path, given_keys(B))
    assert path.read_text() == text


def test_a_header_inside_a_text_deceives_nobody(tmp_path: Path) -> None:
    path = tmp_path / "unit.toml"
    text = '[vehicle]\nmap = """\n[emergency.keys]\n"""\n'
    path.write_text(text)
    with pytest.raises(UsageError, match="cannot be added to"):
        trust(path, given_keys(B))
    assert path.read_text() == text


def test_ids_and_keys_that_are_there_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "unit.toml"
    path.write_text(f"[emergency.keys]\n{A}\n")
    for given_line, said in (
        (A, "key id 0x00000001 is there already, with this key"),
        (line(2, 1), "key id 0x00000001 is there already, with another key"),
        (line(1, 9), "this key is there already, as 0x00000001"),
    ):
        with pytest.raises(UsageError) as error:
            trust(path, given_keys(given_line))
        assert str(error.value).startswith(f"{path}: emergency.keys: {said}")
    assert keys_of(path) == {"0x00000001": A.split('"')[1]}


def test_trust_writes_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, path = tmp_path / "real" / "unit.toml", tmp_path / "unit.toml"
    real.write_text("")
    path.symlink_to(real)
    trust(path, given_keys(A))
    assert path.is_symlink()
    assert list(keys_of(real)) == ["0x00000001"]


def test_a_configuration_with_a_fault_is_told_first(tmp_path: Path) -> None:
    path = tmp_path / "unit.toml"
    path.write_text("[emergency]\nkey = 5\n")
    with pytest.raises(UsageError, match=r"emergency\.key: unknown key; did you mean keys"):
        trust(path, given_keys(A))
    with pytest.raises(UsageError, match="cannot be read"):
        trust(tmp_path / "none.toml", given_keys(A))


@given(st.text(alphabet="[]emrgncykys.={}#\n \"'0x1", max_size=80))
def test_any_text_is_changed_rightly_or_seen_to_be_wrong(text: str) -> None:
    import tomllib

    added = with_keys(text, given_keys(A))
    kept = iter(added)
    assert all(letter in kept for letter in text)
    try:
        tomllib.loads(added)
    except ValueError:
        return


# The commands


def test_the_commands_from_a_key_to_its_trust(tmp_path: Path) -> None:
    app = typer.Typer()
    app.add_typer(keys_command.app, name="keys")

    def run(*words: str | Path) -> str:
        done = CliRunner().invoke(app, ["keys", *map(str, words)])
        assert done.exception is None, done.output
        return done.stdout

    key, config = tmp_path / "a.key", tmp_path / "unit.toml"
    config.write_text('[emergency]\nown_key = "a.key"\n')
    public = run("new", key, "--id", "0x2a01").splitlines()[0]
    assert public == load_own_key(key).public_line()
    assert run("public", key).strip() == public
    run("trust", public, "--config", config)
    hexadecimal = public.split('"')[1]
    assert keys_of(config) == {"0x00002a01": hexadecimal}
    assert run("list", "--config", config).splitlines() == [
        f"own      0x00002a01  {hexadecimal}  {key}",
        f"trusted  0x00002a01  {hexadecimal}  (its own)",
    ]
    assert json.loads(run("list", "--config", config, "--json")) == {
        "own": {"file": str(key), "in_action": "signal", "id": 0x2A01, "key": hexadecimal},
        "trusted": [{"id": 0x2A01, "key": hexadecimal}],
        "enabled": True,
    }
    config.write_text("")
    assert "sends as an ordinary vehicle" in run("list", "--config", config)


def test_list_says_why_an_own_key_cannot_be_used(tmp_path: Path, key_file: Path, capsys) -> None:
    config = tmp_path / "unit.toml"
    config.write_text(f'[emergency]\nown_key = "{key_file.name}"\n[emergency.keys]\n{A}\n')
    key_file.chmod(0o644)
    with pytest.raises(AsvkitError, match="chmod 600"):
        keys_command.list_keys(config)
    assert capsys.readouterr().out.splitlines() == [
        f"own      {key_file}: cannot be used",
        f"trusted  0x00000001  {A.split(chr(34))[1]}",
    ]


def test_ids_are_drawn_where_none_is_given(tmp_path: Path, capsys) -> None:
    for name in ("a", "b"):
        keys_command.new(tmp_path / name)
    first, second = (given_keys(one) for one in capsys.readouterr().out.splitlines())
    assert set(first) != set(second)
    with pytest.raises(UsageError, match="--id: 'x' is no key id"):
        keys_command.new(tmp_path / "c", "x")
    assert not (tmp_path / "c").exists()


def test_a_sealed_frame_is_split_again(own: OwnKey) -> None:
    payload, trailer = split(Signer(own, Clock()).seal(message()))
    assert trailer is not None
    assert (payload, trailer.key_id, trailer.time_ms) == (message(), own.key_id, NOW_MS)
