"""Model servers, from settings to an engine.

    reach       which servers are there, and which model they have
    opening     the engine on them
    vocabulary  which installed model has their vocabulary
    rewards     a reward model on a server
    listing     what servers have
    text_only   what servers without token ids cannot be sent

A run reaches a network only through this folder, and only where `server` or `reward_server` is set. The key comes from
the environment alone.
"""
