"""The composition root: from settings to working tools.

    tools        a described model opened, with its executor, grader and reward model
    weights      the model's file loaded on this machine
    servers/     model servers instead
    executors    restricted executors with the user's limits
    evaluation   one model over one data set: what is missing is run, what is stored is scored
    conversion   a conversion plan carried out, its errors in our own tree, a trial decode
    rewards      a loaded body as a reward model
    checkpoint   a checkpoint on this disk or on the hub, as the converter's source
    offload      bytes per layer, from which the engine decides how many go to a GPU

This is the only room that constructs adapters. It takes `Settings` and `Paths` and has no terminal: what is shown goes
to callbacks that its callers pass.
"""
