"""The key sets that are fetched from issuers by https, as a cluster's control plane does; the last ones that came stay."""

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path

import structlog

from cli.machine.credentials import BrokerIssuer
from cli.machine.home import Home, to_json
from mesh.local.private import write_private

FETCH_SECONDS = 5.0
REFRESH_SECONDS = 1_200.0
RETRY_SECONDS = 10.0
KEY_SET_BYTES_LIMIT = 1 << 20
NO_KEYS = '{"keys":[]}'

log = structlog.get_logger()


class KeySets:
    """Of the issuer of brokers' tokens, where it names an https URL."""

    def __init__(self, home: Home, issuer: BrokerIssuer) -> None:
        self._file: Path = home.mesh / "keys.json"
        self._url = issuer.jwks if issuer.is_remote else ""
        self._refresh_seconds = RETRY_SECONDS
        kept = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        self.known: dict[str, str] = {self._url: kept.get(self._url, NO_KEYS)} if self._url else {}

    async def fetch(self) -> bool:
        """Asks the issuer. Whether its keys are other ones than before."""
        if not self._url:
            return False
        try:
            text = await asyncio.to_thread(fetched, self._url)
        except (OSError, ValueError) as error:
            log.error("key_set_not_fetched", url=self._url, error=str(error))
            self._refresh_seconds = RETRY_SECONDS
            return False
        self._refresh_seconds = REFRESH_SECONDS
        if text == self.known[self._url]:
            return False
        self.known = {self._url: text}
        write_private(self._file, to_json(self.known))
        return True

    async def next(self) -> None:
        """Returns when they have changed; never, where none is fetched."""
        while True:
            await asyncio.sleep(self._refresh_seconds)
            if await self.fetch():
                return


def fetched(url: str) -> str:
    """The key set in one line. ValueError when it is none."""
    with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as answer:  # noqa: S310 (an https URL)
        keys = json.loads(answer.read(KEY_SET_BYTES_LIMIT))["keys"]
    return json.dumps({"keys": keys}, separators=(",", ":"))
