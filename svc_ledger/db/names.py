"""Names in memory: accounts, ledger accounts and assets never change their ids, so each is read once."""

from collections.abc import Iterable

from svc_ledger.core import records
from svc_ledger.core.holds import Key
from svc_ledger.core.settlement import COVER, VAULT
from svc_ledger.db.connection import Hot, integers

ACCOUNTS = "SELECT account_id, name FROM accounts"
BALANCES = "SELECT balance_id, account_id, asset FROM balances"
MAKE_BALANCES = (
    "INSERT INTO balances (account_id, asset, flags) "
    "SELECT * FROM unnest(%s::int4[], %s::text[], %s::int2[]) ON CONFLICT DO NOTHING"
)
INSTRUMENTS = "SELECT symbol, currency FROM instruments"


class Names:
    """account ↔ id, (account, asset) ↔ balance id, the known assets, and each symbol's currency."""

    def __init__(self, hot: Hot) -> None:
        self.hot = hot
        self.account_ids: dict[str, int] = {}
        self.accounts: dict[int, str] = {}
        self.balance_ids: dict[Key, int] = {}
        self.keys: dict[int, Key] = {}
        self.assets: set[str] = set()
        self.currencies: dict[str, str] = {}

    async def load(self) -> None:
        """Reads all names."""
        async with self.hot.transaction() as connection:
            self._add_accounts(await (await connection.execute(ACCOUNTS)).fetchall())
            self._add_balances(await (await connection.execute(BALANCES)).fetchall())
            self._add_instruments(await (await connection.execute(INSTRUMENTS)).fetchall())

    async def has_account(self, account: str) -> bool:
        """Whether the account exists."""
        if account not in self.account_ids and account.isprintable():
            async with self.hot.transaction() as connection:
                cursor = await connection.execute(f"{ACCOUNTS} WHERE name = %s", [account])
                self._add_accounts(await cursor.fetchall())
        return account in self.account_ids

    async def has_instrument(self, symbol: str) -> bool:
        """Whether the instrument is settled, by whichever process."""
        if symbol not in self.currencies:
            async with self.hot.transaction() as connection:
                cursor = await connection.execute(f"{INSTRUMENTS} WHERE symbol = %s", [symbol])
                self._add_instruments(await cursor.fetchall())
        return symbol in self.currencies

    async def know(self, keys: Iterable[Key]) -> None:
        """Makes the ledger accounts that are missing where account and asset exist; the others stay unknown."""
        missing = {key for key in keys if key not in self.balance_ids}
        if not missing:
            return
        for account in {account for account, _ in missing}:
            await self.has_account(account)
        if any(asset not in self.assets for _, asset in missing):
            await self.load()
        await self.make(key for key in missing if key[1] in self.assets)

    async def make(self, keys: Iterable[Key]) -> None:
        """Makes ledger accounts (accounts must exist) in a transaction of its own, so that no lock order is at stake."""
        wanted = sorted(key for key in keys if key not in self.balance_ids and key[0] in self.account_ids)
        if not wanted:
            return
        flags = (
            records.CREDITS_MUST_NOT_EXCEED_DEBITS
            if account in (VAULT, COVER)
            else records.DEBITS_MUST_NOT_EXCEED_CREDITS
            for account, _ in wanted
        )
        ids = integers(self.account_ids[account] for account, _ in wanted)
        async with self.hot.transaction() as connection:
            await connection.execute(MAKE_BALANCES, [ids, [asset for _, asset in wanted], integers(flags)])
            found = await connection.execute(f"{BALANCES} WHERE account_id = ANY(%s::int4[])", [ids])
            self._add_balances(await found.fetchall())

    def _add_accounts(self, found: Iterable[tuple[int, str]]) -> None:
        for account_id, name in found:
            self.account_ids[name] = account_id
            self.accounts[account_id] = name

    def _add_instruments(self, found: Iterable[tuple[str, str]]) -> None:
        for symbol, currency in found:
            self.currencies[symbol] = currency
            self.assets.update((symbol, currency))

    def _add_balances(self, found: Iterable[tuple[int, int, str]]) -> None:
        for balance_id, account_id, asset in found:
            key = (self.accounts[account_id], asset)
            self.balance_ids[key] = balance_id
            self.keys[balance_id] = key
            self.assets.add(asset)
