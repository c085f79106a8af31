"""Locks this process in for good: it may go on computing, and no more than read typefaces. Linux; asks the kernel for
what it offers and says what it got. What each part stops and what not: docs/decisions/0006."""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from math import ceil
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = LIBC.prctl.restype = ctypes.c_long
# prctl(2)
SET_PARENT_DEATH_SIGNAL, SET_SECCOMP, SECCOMP_FILTER, SET_NO_NEW_PRIVILEGES = 1, 22, 2, 38
# landlock(7): the three calls have these numbers on every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF, VERSION, BENEATH = 444, 445, 446, 1, 1
READ_FILE, READ_DIRECTORY = 1 << 2, 1 << 3
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights over files a version knows; 16 from 5 on
# seccomp(2): what ends in EPERM, by architecture, with its number in the audit's list (linux/audit.h). In both:
# socket, socketpair, execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup; and the old forks.
CALLS = {
    "x86_64": (0xC000003E, (41, 53, 59, 322, 101, 310, 311, 425, 57, 58)),
    "aarch64": (0xC00000B7, (198, 199, 221, 281, 117, 270, 271, 425)),
}
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # classic BPF
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 1
FOREIGN = 0x40000000  # x32 calls have this bit, and their own numbers
# sys.audit events by their beginnings: files, network, other programs, native libraries.
REFUSED = ("open", "os.", "shutil.", "tempfile.", "glob.", "socket.", "subprocess.", "ctypes.dlopen", "pty.", "mmap.")
SPARE = 4  # descriptors for typefaces, one or two of which are read at a time


def end_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that happens. Exits when it has ended already."""
    LIBC.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def limit_memory(size: int) -> None:
    """At most this much address space, in bytes; no file written, no core dumped: it would hold a patient's words."""
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))  # 0 still feeds a program that collects cores (core(5))


def limit_time(seconds: int) -> None:
    """At most this much more of the processor's time; then SIGXCPU ends the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(used.ru_utime + used.ru_stime) + seconds, hard))


def lock_in(readable: Sequence[Path]) -> dict[str, bool]:
    """From here on: no socket, no other program, no file but typefaces beneath `readable`, which native code reads.

    Gives which of the kernel's two locks it set; the interpreter's own and the limits always hold. Not to be undone.
    """
    folders = [str(path.resolve()) for path in readable if path.is_dir()]
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    LIBC.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    locks = {"landlock": _landlock(folders), "seccomp": _seccomp()}
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + SPARE, highest + SPARE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.addaudithook(_Hook(tuple(f"{folder}/" for folder in folders)))
    return locks


class _Hook:
    """Refuses what the interpreter is about to do (PEP 578)."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        self._folders = folders

    def __call__(self, event: str, about: tuple[object, ...]) -> None:
        if event.startswith(REFUSED) and not self._is_typeface(event, about):
            raise PermissionError(f"{event} is refused in this process")

    def _is_typeface(self, event: str, about: tuple[object, ...]) -> bool:
        if event not in ("open", "os.listdir", "os.scandir") or not isinstance(about[0], str):
            return False
        reads = event != "open" or about[1] in ("r", "rb")
        return reads and f"{os.path.realpath(about[0])}/".startswith(self._folders)


def _landlock(folders: Sequence[str]) -> bool:
    """Whether the kernel took the rule that files are read beneath these folders and nothing else is done with any;
    from its version 4 on also: no TCP, from 6 on: no signal to others."""
    version = LIBC.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION)
    if version < 1:
        return False
    files = (1 << FILE_RIGHTS.get(version, 16)) - 1
    rights = struct.pack("=QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = LIBC.syscall(CREATE_RULESET, rights, ctypes.c_size_t(size), 0)
    if rules < 0:
        return False
    for folder in folders:
        opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        LIBC.syscall(ADD_RULE, rules, BENEATH, struct.pack("=Qi", READ_FILE | READ_DIRECTORY, opened), 0)
        os.close(opened)
    is_set = LIBC.syscall(RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return bool(is_set)


def _seccomp() -> bool:
    """Whether the kernel took the filter over system calls; False too on an architecture whose numbers are not here."""
    if platform.machine() not in CALLS:
        return False
    kind, numbers = CALLS[platform.machine()]
    count = len(numbers)
    steps = [(LOAD, 0, 0, 4), (JUMP_EQUAL, 0, count + 2, kind), (LOAD, 0, 0, 0), (JUMP_AT_LEAST, count, 0, FOREIGN)]
    steps += [(JUMP_EQUAL, count - n, 0, number) for n, number in enumerate(numbers)]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    told = struct.pack("@HP", len(steps), ctypes.addressof(program))
    return bool(LIBC.prctl(SET_SECCOMP, SECCOMP_FILTER, told, 0, 0) == 0)
