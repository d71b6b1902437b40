"""The restricted executor: programs that a model wrote, in worker processes that the kernel confines.

    executor      hands out workers and keeps a spare one ready
    config        what a worker is told at its start: limits, readable folders, libraries
    limits        what a program may use; what was shown to hold it
    levels        from the layers that hold to one word: full, partial or basic
    wire          the frames between the two sides

    parent/       trusted: starts, watches, kills and reaps workers; believes nothing but types and lengths
    worker/       untrusted once a program has run in it: the process, its namespace, the static rules
    confinement/  the layers: limits, Landlock, seccomp, sandbox_init, job objects, audit hook, and their probes

The layers, strongest first: the kernel (Landlock for files, a seccomp allow-list for everything else, limits on memory
and file size), the parent (time, output, kill, reap), Python's audit hook. A layer counts as held only when a probe in
that very worker was refused. Not covered: defects of the kernel, time and memory up to the limits, and that a program
can ask whether a path exists. Where a system has fewer layers, `levels` says so.
"""
