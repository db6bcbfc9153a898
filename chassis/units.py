"""What every service must count alike: money, fees, order ids, and the digest of a command.

``price_e4`` and ``amount_e4`` are int64 in 1/10 000 of a currency unit; quantities are int64 shares;
``fee_e6`` is a rate in millionths.
"""

import re
from datetime import date
from hashlib import blake2b

INT64_MAX = (1 << 63) - 1
PRICE_SCALE = 10_000
EXCHANGE = "exchange"  # The participant whose accounts are the exchange's own: they never trade.
EXCHANGE_ACCOUNTS = f"{EXCHANGE}/"
PARTICIPANT = re.compile(r"[a-z][a-z0-9-]{0,19}")  # What a participant can be called.
PARTICIPANT_FORM = "1 to 20 of a-z, 0-9, '-', a letter first"
FEE_SCALE = 1_000_000
DIGEST_BYTES = 16

# The assets that are money; every other one is a symbol, and no symbol is one of these. Source: ISO 4217, list one, as of 2026-01-01,
# without XTS (for tests) and XXX (no currency).
CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP
    CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
    INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
    MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
    SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST
    XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW ZWG
    """.split()
)

SEQUENCE_BITS = 48
MAX_SEQUENCE = (1 << SEQUENCE_BITS) - 1
MAX_SHARD = (1 << 15) - 1


def order_id(shard: int, sequence: int) -> int:
    """The id of the order whose Accepted or Rejected event is `sequence` of `shard`; fits int64, never 0."""
    if not 0 <= shard <= MAX_SHARD:
        raise ValueError(f"shard {shard} is outside 0..{MAX_SHARD}")
    if not 1 <= sequence <= MAX_SEQUENCE:
        raise ValueError(f"sequence {sequence} is outside 1..{MAX_SEQUENCE}")
    return shard << SEQUENCE_BITS | sequence


def shard_of(order_id: int) -> int:
    """The shard that gave `order_id`; the inverse of `order_id`."""
    return order_id >> SEQUENCE_BITS


def sequence_of(order_id: int) -> int:
    """The sequence of the event that gave `order_id`; the inverse of `order_id`."""
    return order_id & MAX_SEQUENCE


def fee(amount_e4: int, fee_e6: int) -> int:
    """The fee of a fill: `fee_e6` millionths of what it is worth, rounded down."""
    return amount_e4 * fee_e6 // FEE_SCALE


def worst(price_e4: int, quantity: int, fee_e6: int) -> int:
    """The most that `quantity` shares can cost at `price_e4`, with the fee rounded up; may exceed int64."""
    amount_e4 = price_e4 * quantity
    return amount_e4 - -amount_e4 * fee_e6 // FEE_SCALE


def is_date(number: int) -> bool:
    """Whether it is a trading date: a day from 1970 on as yyyymmdd."""
    try:
        date(number // 10_000, number // 100 % 100, number % 100)
    except ValueError:
        return False
    return number >= 1970_01_01


def command_digest(*fields: str | int) -> bytes:
    """A 128-bit digest of a command's fields (ASCII text, integers) in a fixed order; equal only for equal fields."""
    return blake2b(repr(fields).encode(), digest_size=DIGEST_BYTES).digest()
