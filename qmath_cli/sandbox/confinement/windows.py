"""Windows: a job object around the worker, and a low-integrity token inside it.

Written from Microsoft's documentation; not run by its authors on Windows: what the probes of a worker find there is
what counts. The job ends its processes with its last handle (so also when qmath is killed), allows one process, and
limits memory. Low integrity stops writes to the user's files. Nothing here stops reads or the network: there the audit
hook is all there is, and the report says so.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Protocol

_EXTENDED_LIMITS, _UI_RESTRICTIONS = 9, 4  # JOBOBJECTINFOCLASS
_PROCESS_MEMORY, _JOB_MEMORY = 0x100, 0x200
_DIE_ON_EXCEPTION, _ACTIVE_PROCESS, _KILL_ON_CLOSE = 0x400, 0x8, 0x2000
_UI_ALL = 0xFF  # handles, clipboard, parameters, atoms, display, desktop, exit
_TOKEN_ACCESS = 0x0080 | 0x0008  # TOKEN_ADJUST_DEFAULT | TOKEN_QUERY
_INTEGRITY_LEVEL = 25  # TokenIntegrityLevel
_SE_GROUP_INTEGRITY = 0x20
_LOW = 4096  # S-1-16-4096
_TERMINATE = 0x1  # PROCESS_TERMINATE
SUSPENDED, NO_WINDOW, NEW_GROUP = 0x4, 0x08000000, 0x200


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("per_process_time", c_int64),
        ("per_job_time", c_int64),
        ("flags", c_uint32),
        ("minimum_working_set", c_size_t),
        ("maximum_working_set", c_size_t),
        ("active_processes", c_uint32),
        ("affinity", c_size_t),
        ("priority_class", c_uint32),
        ("scheduling_class", c_uint32),
    )


class IoCounters(ctypes.Structure):
    """IO_COUNTERS."""

    _fields_ = tuple((name, c_uint64) for name in ("reads", "writes", "others", "read_b", "written_b", "other_b"))


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("basic", BasicLimits),
        ("io", IoCounters),
        ("process_memory", c_size_t),
        ("job_memory", c_size_t),
        ("peak_process_memory", c_size_t),
        ("peak_job_memory", c_size_t),
    )


class Calls(Protocol):
    """The functions of kernel32 and ntdll that we need; tests bring their own."""

    def create_job(self) -> int:
        """A handle of a new job, 0 where there is none."""
        ...

    def set_information(self, job: int, kind: int, record: ctypes.Structure | c_uint32) -> bool:
        """SetInformationJobObject."""
        ...

    def assign(self, job: int, process: int) -> bool:
        """AssignProcessToJobObject."""
        ...

    def resume(self, process: int) -> bool:
        """Let a suspended process run."""
        ...

    def close(self, handle: int) -> None:
        """CloseHandle."""
        ...


class WindowsApi:
    """The real ones."""

    def __init__(self) -> None:
        self._kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
        self._nt: Any = ctypes.WinDLL("ntdll")  # type: ignore[attr-defined,unused-ignore]
        self._kernel.CreateJobObjectW.restype = c_void_p

    def create_job(self) -> int:
        """A handle of a new job, 0 where there is none."""
        return int(self._kernel.CreateJobObjectW(None, None) or 0)

    def set_information(self, job: int, kind: int, record: ctypes.Structure | c_uint32) -> bool:
        """SetInformationJobObject."""
        size = ctypes.sizeof(record)
        return bool(self._kernel.SetInformationJobObject(c_void_p(job), kind, ctypes.byref(record), size))

    def assign(self, job: int, process: int) -> bool:
        """AssignProcessToJobObject."""
        return bool(self._kernel.AssignProcessToJobObject(c_void_p(job), c_void_p(process)))

    def resume(self, process: int) -> bool:
        """NtResumeProcess: Python's own `Popen` has closed the thread's handle by now."""
        return int(self._nt.NtResumeProcess(c_void_p(process))) == 0

    def close(self, handle: int) -> None:
        """CloseHandle."""
        self._kernel.CloseHandle(c_void_p(handle))


def limits(memory: int) -> ExtendedLimits:
    """One process, so much memory, death with the job's last handle and without an error dialogue."""
    record = ExtendedLimits()
    record.basic.flags = _KILL_ON_CLOSE | _ACTIVE_PROCESS | _PROCESS_MEMORY | _JOB_MEMORY | _DIE_ON_EXCEPTION
    record.basic.active_processes = 1
    record.process_memory = record.job_memory = memory
    return record


def enclose(process: int, memory: int, calls: Calls) -> int:
    """Put a suspended process into a job of its own and let it run; the job's handle. Raises `OSError`."""
    job = calls.create_job()
    if not job:
        raise OSError("no job object could be made")
    made = (
        calls.set_information(job, _EXTENDED_LIMITS, limits(memory))
        and calls.set_information(job, _UI_RESTRICTIONS, c_uint32(_UI_ALL))
        and calls.assign(job, process)
        and calls.resume(process)
    )
    if not made:
        calls.close(job)
        raise OSError("the worker could not be put into a job object")
    return job


def interpreter(environ: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The program to start: a virtual environment's python.exe would start a second process, which a job refuses."""
    base = getattr(sys, "_base_executable", sys.executable)
    if base == sys.executable:
        return sys.executable, environ
    return base, environ | {"__PYVENV_LAUNCHER__": sys.executable}


def low_integrity_sid(level: int = _LOW) -> bytes:
    """The SID S-1-16-`level`: revision 1, one sub-authority, authority 16 (mandatory labels)."""
    return bytes([1, 1, 0, 0, 0, 0, 0, 16]) + level.to_bytes(4, "little")


def restrict() -> str:
    """In the worker: lower our own integrity for good; a few words on what came of it."""
    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    security: Any = ctypes.WinDLL("advapi32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.GetCurrentProcess.restype = c_void_p
    token = c_void_p()
    if not security.OpenProcessToken(c_void_p(kernel.GetCurrentProcess()), _TOKEN_ACCESS, ctypes.byref(token)):
        return "job object"
    sid = ctypes.create_string_buffer(low_integrity_sid(), 12)

    class Label(ctypes.Structure):
        _fields_ = (("sid", c_void_p), ("attributes", c_uint32))

    label = Label(ctypes.addressof(sid), _SE_GROUP_INTEGRITY)
    done = security.SetTokenInformation(token, _INTEGRITY_LEVEL, ctypes.byref(label), ctypes.sizeof(label) + len(sid))
    kernel.CloseHandle(token)
    return "job object + low integrity" if done else "job object"


def may_terminate(pid: int) -> bool:
    """Whether this process could end another one; asks for the right and does not use it."""
    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.OpenProcess.restype = c_void_p
    handle = kernel.OpenProcess(_TERMINATE, 0, pid)
    if handle:
        kernel.CloseHandle(c_void_p(handle))
    return bool(handle)
