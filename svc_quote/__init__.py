"""Market data: books by price, the tape, day statistics, and their fan-out to any number of readers.

Owns nothing that cannot be derived: all of it follows from `md.*`, and after any loss is rebuilt from the
journal of svc_match. Guarantees: what a reader sees is of whole journal rows, with its sequence; a slow
reader of states is conflated and never misses the last one; a slow reader of trades is told where to
resume; no reader costs memory by being slow.

Two names beyond those that every service has: `fanout`, since sharing one encoding among all readers is
what this service is for and neither a use case nor gRPC; and `metrics`, which reads its counts on request.
"""
