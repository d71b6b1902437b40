"""Model servers, from settings to an engine.

    reach       which servers are there, and which model they have
    opening     the engine on them
    vocabulary  which installed model has their vocabulary
    text_only   what servers without token ids cannot be sent

A run reaches a network only through this folder, and only where the setting `server` is not empty. The key comes from
the environment alone.
"""
