"""Windows: a job object around the worker, and a low-integrity token inside it.

Written from Microsoft's documentation. The project has not run it on Windows: rely on what the probes of a worker
report there. The job ends its processes when its last handle is closed (so also when qmath is killed), allows one
process, and limits memory. Low integrity prevents writes to the user's files. Nothing here prevents reads or the use
of the network: only the audit hook refuses those, and the report says so.
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


class JobCalls(Protocol):
    """The functions of kernel32 and ntdll that `enclose` needs; tests pass their own."""

    def create_job(self) -> int:
        """CreateJobObject: the handle of a new job, or 0."""
        ...

    def set_information(self, job: int, kind: int, record: ctypes.Structure | c_uint32) -> bool:
        """SetInformationJobObject."""
        ...

    def assign(self, job: int, process: int) -> bool:
        """AssignProcessToJobObject."""
        ...

    def resume(self, process: int) -> bool:
        """Resume a suspended process."""
        ...

    def close(self, handle: int) -> None:
        """CloseHandle."""
        ...


class WindowsApi:
    """Implements `JobCalls` with kernel32 and ntdll."""

    def __init__(self) -> None:
        self._kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
        self._nt: Any = ctypes.WinDLL("ntdll")  # type: ignore[attr-defined,unused-ignore]
        self._kernel.CreateJobObjectW.restype = c_void_p

    def create_job(self) -> int:
        """CreateJobObject: the handle of a new job, or 0."""
        return int(self._kernel.CreateJobObjectW(None, None) or 0)

    def set_information(self, job: int, kind: int, record: ctypes.Structure | c_uint32) -> bool:
        """SetInformationJobObject."""
        size = ctypes.sizeof(record)
        return bool(self._kernel.SetInformationJobObject(c_void_p(job), kind, ctypes.byref(record), size))

    def assign(self, job: int, process: int) -> bool:
        """AssignProcessToJobObject."""
        return bool(self._kernel.AssignProcessToJobObject(c_void_p(job), c_void_p(process)))

    def resume(self, process: int) -> bool:
        """NtResumeProcess; ResumeThread needs a handle that Python's `Popen` has already closed."""
        return int(self._nt.NtResumeProcess(c_void_p(process))) == 0

    def close(self, handle: int) -> None:
        """CloseHandle."""
        self._kernel.CloseHandle(c_void_p(handle))


def limits(memory: int) -> ExtendedLimits:
    """Limits of a job: one process, `memory` bytes, ended with its last handle, no error dialogue."""
    record = ExtendedLimits()
    record.basic.flags = _KILL_ON_CLOSE | _ACTIVE_PROCESS | _PROCESS_MEMORY | _JOB_MEMORY | _DIE_ON_EXCEPTION
    record.basic.active_processes = 1
    record.process_memory = record.job_memory = memory
    return record


def enclose(process: int, memory: int, calls: JobCalls) -> int:
    """Put a suspended process into a new job and resume it; return the job's handle. Raises `OSError`."""
    job = calls.create_job()
    if not job:
        raise OSError("no job object could be created")
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
    """The program to start and its environment.

    The python.exe of a virtual environment would start a second process, which a job refuses.
    """
    base = getattr(sys, "_base_executable", sys.executable)
    if base == sys.executable:
        return sys.executable, environ
    return base, environ | {"__PYVENV_LAUNCHER__": sys.executable}


def low_integrity_sid(level: int = _LOW) -> bytes:
    """The SID S-1-16-`level`: revision 1, one sub-authority, authority 16 (mandatory labels)."""
    return bytes([1, 1, 0, 0, 0, 0, 0, 16]) + level.to_bytes(4, "little")


def restrict() -> str:
    """Lower the integrity level of this process, a worker, irrevocably; return a few words for the report."""
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
    """Whether this process may end another one: opens it with that right and does not use it."""
    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.OpenProcess.restype = c_void_p
    handle = kernel.OpenProcess(_TERMINATE, 0, pid)
    if handle:
        kernel.CloseHandle(c_void_p(handle))
    return bool(handle)
