"""Decoding on model servers: `engine.RemoteEngine` implements `records.Engine` over HTTP.

    address    a server's URL, as people write it
    http       one request, its errors in our own tree
    frames     a streamed body as JSON records: server-sent events, or a line each
    dialects/  what each kind of server is sent, and how its records are read
    detect     which kind a server is, and what it tells of itself
    vocabulary text to token ids: with an installed model's vocabulary, or the server's own tokenizer
    stretch    one sequence: its tokens or text, its stops
    pace       how much of a text is asked for at once
    exchange   one request and its reply, streamed or whole
    member     one server of several: its room, its failures, when it is asked again
    spread     which request goes to which server, and what happens to those of a server that dies
    engine     the port
    loop_thread  an event loop for callers without one
    reward     reward models: whole solutions, and steps; `pooling` says where and how
    probe      how soon the first token comes, and whether the cache is in use

This is the only part of the engine that opens a socket, and it is reached by runs with `--server` or
`--reward-server` alone. No scheduler
of its own: a server decides what it computes when.
"""
