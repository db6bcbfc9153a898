"""A read that is refused, by name."""


class Refused(Exception):
    """Nothing was done. `reason` is for programs; metadata names `field`, `value` and `fix` where they apply."""

    def __init__(self, reason: str, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = metadata


def not_ready() -> Refused:
    """Nothing can be read until the shards have been followed to where they were."""
    return Refused("NOT_READY", "market data is being rebuilt", fix="try again")


def symbol_unknown(symbol: str) -> Refused:
    """No shard lists the instrument."""
    return Refused(
        "SYMBOL_UNKNOWN",
        f"no instrument {symbol!r}",
        field="symbol",
        value=symbol,
        fix="use a symbol of ListInstruments",
    )
