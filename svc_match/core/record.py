"""A plain command as one bytes object: RECORD_WORDS int64, and behind them the Submission as it came. `record.pxd` names the
same numbers for C.

Plain is what the books take as it is: a LIMIT or MARKET order of the fields that every order has, a cancel, a replace, in the
one encoding that the protobuf library writes too, with text of printable ASCII. Whoever made one has checked that.
"""

R_HEAD = 0  # kind | side << 8 | type << 16 | time in force << 24 | R_HELD, as layout has a command's; no book yet
R_DATE = 1
R_DEADLINE = 2
R_HOLD = 3
R_HELD_AMOUNT = 4
R_HELD_PRICE = 5
R_FEE = 6
R_PRICE = 7
R_QUANTITY = 8
R_AMOUNT = 9
R_ORDER = 10
R_KEY = 11  # two words, the high one first; so are the digest and the key of the original
R_DIGEST = 13
R_ORIGINAL_KEY = 15
R_ACCOUNT = 17  # where text begins in the record | its length << 32
R_OWN_ID = 18
R_SYMBOL = 19
R_ORIGINAL = 20
R_TRACE = 21
RECORD_WORDS = 22
RECORD_BYTES = 176
TEXT_LIMIT = 128
R_HELD = 0x1000000000000
R_NO_BOOK = 0xFFFF  # of a change whose symbol no instrument has
R_NO_ACCOUNT = 0x7FFFFFFF  # of a command whose account has no order on this date

# The identity table: its records in rows, its entries, and the places of its index.
I_SIZE = 44
I_RANK = 0x7FFFFF  # of a place: the entry + 1; the key's first byte is above it
I_FAR = 127  # a step that is kept aside
I_MANY = 0xFFFF  # a checksum that is kept aside
I_BASE = 16  # entries for each whole sequence
I_MOVED = 32  # places of the index that move with each entry
