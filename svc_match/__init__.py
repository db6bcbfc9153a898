"""The match service: instruments, trading dates, books and the journal of one shard."""
