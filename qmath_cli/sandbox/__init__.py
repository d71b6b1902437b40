"""The restricted executor: runs programs that a model wrote, in worker processes that the kernel confines.

    executor      hands out workers and keeps a spare one ready
    config        the configuration of a worker: limits, readable folders, libraries
    limits        what a program may use, and the record of what a probe found
    levels        the protection level that the layers add up to: full, partial or basic
    wire          the frames between qmath and a worker

    parent/       trusted: starts, watches, kills and reaps workers; uses nothing they send without checking it
    worker/       untrusted once a program has run in it: the process, its namespace, the static rules
    confinement/  the layers (limits, Landlock, seccomp, sandbox_init, job objects, audit hook) and their probes

The layers, strongest first: the kernel (Landlock for files, a seccomp allow-list for everything else, limits on memory
and file size), the parent (time, output, kill, reap), Python's audit hook. A layer counts as held only if a probe in
that very worker was refused. Not covered: defects of the kernel, the use of time and memory up to the limits, and
testing whether a path exists. Where a system has fewer layers, `levels` reports a lower level.
"""
