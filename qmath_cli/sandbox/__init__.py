"""Where programs run: nobody has read them, so nothing rests on their good will.

    qmath                                        worker (one per solution)
    executor  hands out workers, keeps a spare   boot      first lines: orders, stack, imports
    live      one worker, restored after a death worker    serves programs over two pipes
    exchange  one request, bounded answers       program   one program in the live namespace
    forked    workers from a zygote (Linux)      surroundings  builtins, sys, os as programs find them
    launch    one interpreter each (elsewhere)   policy    static rules, for clear messages
    feedback  the text that the model reads      confine   limits -> linux|macos|windows -> audit -> probes

What holds, strongest first: the kernel (Landlock for files, a seccomp allow-list for everything else, limits on
memory and file size), the parent (time, output, kill, reap), Python's audit hook. A layer counts as held only when a
probe in that very worker was refused. What remains where all of it holds: defects of the kernel, time and memory up to
the limits, and that a program can ask whether a path exists. Where a system has less, `levels` says so.
"""
