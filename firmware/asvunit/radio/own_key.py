"""The private key of an emergency vehicle's radio: a file that nobody but its owner can read.

PKCS8 PEM as openssl writes it (`openssl pkey -in FILE -noout -text` reads it), with one line before it that names
the key's id:

    Key id: 0x00002a01
    -----BEGIN PRIVATE KEY-----
"""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from asvunit.authority_keys import key_id
from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MOST_BYTES: Final = 16_384
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_ID_LINE: Final = re.compile(rb"^Key id:[ \t]*(\S{1,20})[ \t]*\r?$", re.MULTILINE)
_BEGIN: Final = re.compile(rb"^-----BEGIN ([A-Z0-9 ]{1,40})-----", re.MULTILINE)
_NEW: Final = "make one with: asvkit keys new FILE"


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A key pair and the id under which others know it."""

    key_id: int
    private: "Ed25519PrivateKey" = field(repr=False)

    def public_line(self) -> str:
        """The public half for others, as `[emergency.keys]` of their configurations has it."""
        return f'{self.key_id:#010x} = "{self.private.public_key().public_bytes_raw().hex()}"'


def load_own_key(path: Path) -> OwnKey:
    """The key of a file; UsageError with file, fault and mend."""
    content = _content(path)
    kinds = [kind.decode() for kind in _BEGIN.findall(content)]
    if kinds != ["PRIVATE KEY"]:
        raise UsageError(f"{path}: {_other(kinds)}")
    ids = _ID_LINE.findall(content)
    if len(ids) != 1:
        told = "no line names" if not ids else f"{len(ids)} lines name"
        raise UsageError(f"{path}: {told} the key's id; put one before the key: Key id: 0x00002a01")
    try:
        number = key_id(ids[0].decode("utf-8", "replace"))
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    return OwnKey(number, _private(path, content))


def new_own_key(path: Path, number: int) -> OwnKey:
    """Makes a pair and writes it to a file that is not there yet; UsageError or AsvkitError with the mend."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if not path.name:
        raise UsageError(f"{path}: no name of a file; name one")
    made = OwnKey(number, Ed25519PrivateKey.generate())
    pem = made.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unfinished = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        _write(unfinished, f"Key id: {number:#010x}\n".encode() + pem)
        try:
            os.link(unfinished, path)  # at once, and never over another
        finally:
            unfinished.unlink()
    except FileExistsError:
        raise UsageError(f"{path}: exists and is left as it is; name another file") from None
    except OSError as error:
        raise AsvkitError(f"{path}: cannot be written: {error.strerror}; name another place") from error
    return made


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as out:
        if stat.S_IMODE(os.fstat(out.fileno()).st_mode) & _OTHERS:  # a file system without permissions
            path.unlink()
            raise OSError(0, "others could read it there")
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _content(path: Path) -> bytes:
    """The bytes of a file that is its owner's alone."""
    try:
        # Not blocking: of a pipe nobody may ever write to
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UsageError(f"{path}: not there; {_NEW}") from None
    except (OSError, ValueError) as error:
        if path.is_symlink():
            raise UsageError(f"{path}: a symbolic link, which may come to name another file; name the file") from None
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise UsageError(f"{path}: no file; {_NEW}")
        if state.st_uid not in (0, os.geteuid()):
            raise UsageError(f"{path}: belongs to another user, who may change it; chown it to the unit's")
        if stat.S_IMODE(state.st_mode) & _OTHERS:
            raise UsageError(f"{path}: others than its owner can read or change it; chmod 600 {path}")
        content = os.read(descriptor, _MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{path}: more than {_MOST_BYTES} bytes, which no key file has; {_NEW}")
    return content


def _private(path: Path, content: bytes) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    begin = _BEGIN.search(content)
    assert begin is not None
    try:
        private = load_pem_private_key(content[begin.start() :], None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError(f"{path}: its private key is damaged or of no known kind; {_NEW}") from None
    if not isinstance(private, Ed25519PrivateKey):
        kind = type(private).__name__.strip("_").removesuffix("PrivateKey")
        raise UsageError(f"{path}: a key of kind {kind}, not Ed25519; {_NEW}")
    return private


def _other(kinds: list[str]) -> str:
    """What a file is that has no private key, or more than one."""
    if kinds.count("PRIVATE KEY") > 1 or len(kinds) > 1:
        return "more than one key; leave the vehicle's own in it"
    if kinds == ["ENCRYPTED PRIVATE KEY"]:
        return "is encrypted, and nobody types a password in a vehicle; openssl pkey -in OLD -out NEW takes that away"
    if kinds == ["PUBLIC KEY"]:
        return "a public key; name the file with the private one"
    if kinds:
        return f"a {kinds[0].lower()}, not an Ed25519 private key as PKCS8; {_NEW}"
    return f"no private key in PEM; {_NEW}"
