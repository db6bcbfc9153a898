"""protobuf <-> core. What is encoded here is stored, published and streamed as it is.

`commands` and `controls` read what participants and operators ask; `rows` is what the journal keeps of it; `executions` and
`market_data` are the private and the public events, `announcements` those that are in both; `answers` go back to who asked;
`reference` has the instruments and the calendar's steps that all of these tell.
"""

PART_BYTES_LIMIT = 512 * 1024
PART_EVENTS_LIMIT = 4_096
