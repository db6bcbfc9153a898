"""The match service: instruments, trading dates, phases, books and the journal of one shard.

It owns the shard's sequence. What it answers, publishes or shows is in its journal before; each command is executed at
most once, however often it is sent; the same commands at the same times give the same events; of two processes that
lead one shard only the newer one's rows are taken. `core` decides, `app` orders the effects, `db` keeps the journal,
`bus` copies it to JetStream.

Three names beyond those that every service has: `codec` says which commands go straight between bytes and the books, which
`decoder` and `encoder` do, compiled, since `wire` would cost more than all else; what is not plain goes through `wire`.
"""
