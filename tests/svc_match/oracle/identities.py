"""Who sent what on a trading date, as a dictionary says it."""

from struct import pack
from zlib import crc32


class Identities:
    """Finds a command's first use. `records` are those of all commands, in order, as the journal has them."""

    def __init__(self) -> None:
        self.records = bytearray()
        self._found: dict[int, tuple[bytes, int, bool]] = {}
        self._orders: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._found)

    def find(self, key: int) -> tuple[bytes, int, bool] | None:
        """The digest, the sequence of the first result, and whether that accepted an order."""
        return self._found.get(key)

    def add(self, key: int, digest: bytes, sequence: int, accepted: bool, account: str) -> None:
        """Remembers a command that is new."""
        self._found[key] = (digest, sequence, accepted)
        if accepted:
            self._orders[sequence] = account
        self.records += pack(">16s16sQI", key.to_bytes(16), digest, sequence << 1 | accepted, crc32(account.encode()))

    def kept(self, sequences: list[int]) -> "Identities":
        """A table of the commands alone whose first results are these, in their order."""
        by_sequence = {found[1]: (key, found[0]) for key, found in self._found.items()}
        made = Identities()
        for sequence in sequences:
            key, digest = by_sequence[sequence]
            made.add(key, digest, sequence, accepted=True, account=self._orders[sequence])
        return made

    def accepted(self, sequence: int, account: str) -> bool:
        """Whether the account's order was accepted by the event `sequence` of this date."""
        return self._orders.get(sequence) == account
