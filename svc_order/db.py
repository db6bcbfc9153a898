"""The history on PostgreSQL, written set-wise: new orders by COPY, changes by one UPDATE, the position in the same transaction."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import database
from chassis.units import SEQUENCE_BITS
from svc_order.core.commands import PLAIN, Terms
from svc_order.core.history import KEEP, Change, Fold, Order
from svc_order.core.refused import Unavailable
from svc_order.ports import Copy, Exported, OrderFilter, OrderRow, Position, Segment

SCHEMA = str(Path(__file__).parent / "schema" / "versions")
EXPORT_ROWS = 1_000
EXPORT_COPIES = 64
EXPORT_BYTES = 1 << 20  # Of a part of the drop copy, unless one row has more.
RESET_SECONDS = 600
ORDER_COLUMNS = OrderRow._fields
PLAIN_TERMS = "\t".join("0" * len(PLAIN))
COPY_ORDERS = f"COPY orders ({', '.join(ORDER_COLUMNS)}) FROM STDIN"
SELECT_ORDERS = f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders"
CHANGE_COLUMNS = (
    "order_id",
    "executed_quantity",
    "executed_amount_e4",
    "fees_e4",
    "open_quantity",
    "price_e4",
    "quantity",
    "state",
    "update_time_us",
    "last_sequence",
    "triggered",
    "done_reason",
)
CHANGE_ORDERS = f"""
UPDATE orders SET
    executed_quantity = orders.executed_quantity + c.executed_quantity,
    executed_amount_e4 = orders.executed_amount_e4 + c.executed_amount_e4,
    fees_e4 = orders.fees_e4 + c.fees_e4,
    open_quantity = c.open_quantity,
    price_e4 = CASE WHEN c.price_e4 = {KEEP} THEN orders.price_e4 ELSE c.price_e4 END,
    quantity = CASE WHEN c.quantity = {KEEP} THEN orders.quantity ELSE c.quantity END,
    state = c.state,
    update_time_us = c.update_time_us,
    last_sequence = c.last_sequence,
    triggered = orders.triggered OR c.triggered <> 0,
    done_reason = c.done_reason
FROM unnest({", ".join(["%s::bigint[]"] * len(CHANGE_COLUMNS))}) AS c ({", ".join(CHANGE_COLUMNS)})
WHERE orders.order_id = c.order_id
"""
BUST_ORDERS = """
UPDATE orders SET
    busted_quantity = busted_quantity + b.quantity,
    busted_amount_e4 = busted_amount_e4 + b.amount_e4,
    busted_fees_e4 = busted_fees_e4 + b.fees_e4
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS b (order_id, quantity, amount_e4, fees_e4)
WHERE orders.order_id = b.order_id
"""
MOVE = """
UPDATE positions SET incarnation = %s, sequence = %s, taker_order_id = %s, taker_client_order_id = %s
WHERE shard = %s AND sequence = %s AND incarnation IN (%s, '')
"""
COPIES = """
SELECT first_sequence, last_sequence, updates FROM drop_copy
WHERE shard = %s AND participant = %s AND last_sequence > %s ORDER BY last_sequence LIMIT %s
"""
EXPORT_DROP_COPY = """
SELECT shard, participant, first_sequence, last_sequence, updates FROM drop_copy
ORDER BY shard, participant, last_sequence
"""
NAMED = f"""
{SELECT_ORDERS} WHERE order_id = ANY (%s::bigint[])
OR (account, client_order_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class OtherWriter(Exception):
    """The stored position is not where this process left it: someone else writes this history."""


class Tables:
    """The Store port."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def position(self, shard: int) -> Position:
        """See ports.Store."""
        async with self._transaction() as connection:
            await connection.execute(
                "INSERT INTO positions (shard, incarnation, sequence) VALUES (%s, '', 0) ON CONFLICT DO NOTHING",
                [shard],
            )
        return await self.stored(shard)

    async def stored(self, shard: int) -> Position:
        """See ports.Store."""
        async with self._transaction() as connection:
            cursor = await connection.execute(
                "SELECT incarnation, sequence, taker_order_id, taker_client_order_id FROM positions WHERE shard = %s",
                [shard],
            )
            row = await cursor.fetchone()
            return Position._make(row) if row is not None else Position("", 0)

    async def append(self, shard: int, before: int, after: Position, fold: Fold, segments: Sequence[Segment]) -> None:
        """See ports.Store."""
        async with self._transaction() as connection:
            moved = await connection.execute(MOVE, [*after, shard, before, after.incarnation])
            if moved.rowcount != 1:
                raise OtherWriter(f"history of shard {shard} is not at {before}")
            if fold.orders:
                await _copy(connection, COPY_ORDERS, _order_lines(fold.orders.values()))
            if fold.changes:
                changed = await connection.execute(CHANGE_ORDERS, _arrays(fold.changes))
                assert changed.rowcount == len(fold.changes), (
                    f"{changed.rowcount} of {len(fold.changes)} orders were there"
                )
            if fold.busts:
                busted = zip(*((order_id, *these) for order_id, these in fold.busts.items()), strict=True)
                busts = await connection.execute(BUST_ORDERS, [list(column) for column in busted])
                assert busts.rowcount == len(fold.busts), f"{busts.rowcount} of {len(fold.busts)} orders were there"
            rows = [(shard, name, one.first, one.last, data) for one in segments for name, data in one.updates.items()]
            if rows:
                columns = ("shard", "participant", "first_sequence", "last_sequence", "updates")
                await database.copy(connection, "drop_copy", columns, ("int4", "text", "int8", "int8", "bytea"), rows)

    async def reset(self, shard: int, incarnation: str) -> None:
        """See ports.Store."""
        async with self._transaction() as connection:
            await connection.execute(f"SET LOCAL statement_timeout = '{RESET_SECONDS}s'")
            first, behind = shard << SEQUENCE_BITS, (shard + 1) << SEQUENCE_BITS
            await connection.execute("DELETE FROM orders WHERE order_id >= %s AND order_id < %s", [first, behind])
            await connection.execute("DELETE FROM drop_copy WHERE shard = %s", [shard])
            await connection.execute(
                "UPDATE positions SET incarnation = %s, sequence = 0, taker_order_id = 0, taker_client_order_id = '' "
                "WHERE shard = %s",
                [incarnation, shard],
            )

    async def order(self, order_id: int) -> OrderRow | None:
        """See ports.Store."""
        rows = await self._orders(f"{SELECT_ORDERS} WHERE order_id = %s", [order_id])
        return rows[0] if rows else None

    async def orders(self, wanted: OrderFilter, limit: int, behind: tuple[int, int] | None) -> list[OrderRow]:
        """See ports.Store."""
        conditions, values = ["true"], list[object]()
        for column, value in wanted._asdict().items():
            if value:
                conditions.append(f"{column} = %s")
                values.append(value)
        if behind is not None:
            conditions.append("(create_time_us, order_id) < (%s, %s)")
            values.extend(behind)
        where = " AND ".join(conditions)
        return await self._orders(
            f"{SELECT_ORDERS} WHERE {where} ORDER BY create_time_us DESC, order_id DESC LIMIT %s", [*values, limit]
        )

    async def named(self, order_ids: Sequence[int], names: Sequence[tuple[str, str]]) -> list[OrderRow]:
        """See ports.Store."""
        accounts, ids = [one for one, _ in names], [one for _, one in names]
        return await self._orders(NAMED, [list(order_ids), accounts, ids])

    async def copies(self, participant: str, shard: int, after: int, limit: int) -> list[tuple[int, int, bytes]]:
        """See ports.Store."""
        async with self._transaction() as connection:
            cursor = await connection.execute(COPIES, [shard, participant, after, limit])
            return [(first, last, bytes(updates)) for first, last, updates in await cursor.fetchall()]

    async def export(self) -> AsyncIterator[Exported]:
        """See ports.Store."""
        async with self._transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor = await connection.execute(
                "SELECT shard, incarnation, sequence, taker_order_id, taker_client_order_id FROM positions ORDER BY shard"
            )
            yield Exported({shard: Position(*rest) for shard, *rest in await cursor.fetchall()}, [], [])
            async with connection.cursor(name="orders") as reader:
                await reader.execute(f"{SELECT_ORDERS} ORDER BY order_id")
                while rows := await reader.fetchmany(EXPORT_ROWS):
                    yield Exported({}, [OrderRow._make(row) for row in rows], [])
            async with connection.cursor(name="copies", binary=True) as reader:
                await reader.execute(EXPORT_DROP_COPY)
                while rows := await reader.fetchmany(EXPORT_COPIES):
                    for copies in _parts([Copy._make(row) for row in rows]):
                        yield Exported({}, [], copies)

    async def _orders(self, query: str, values: Sequence[object]) -> list[OrderRow]:
        async with self._transaction() as connection:
            cursor = await connection.execute(query, values)
            return [OrderRow._make(row) for row in await cursor.fetchall()]

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        try:
            async with self._engine.begin() as connection:
                yield await database.raw(connection)
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, psycopg.OperationalError) as error:
            raise Unavailable("DATABASE_DOWN", f"the database did not answer: {type(error).__name__}") from error


def _parts(copies: Sequence[Copy]) -> Iterator[Sequence[Copy]]:
    """The same in parts of at most EXPORT_BYTES, or of one."""
    begin = size = 0
    for index, copy in enumerate(copies):
        if index > begin and size + len(copy.updates) > EXPORT_BYTES:
            yield copies[begin:index]
            begin, size = index, 0
        size += len(copy.updates)
    yield copies[begin:]


async def _copy(connection: Connection, statement: str, lines: str) -> None:
    async with connection.cursor() as cursor, cursor.copy(statement) as stream:
        await stream.write(lines)


def _order_lines(orders: Iterable[Order]) -> str:
    """COPY's text format. Tabs and line ends cannot be in a checked name; JSON writes them as escapes; backslashes are doubled."""
    return "".join(
        [
            f"{o.order_id}\t{o.account[: o.account.find('/')]}\t{o.account}\t{_text(o.client_order_id)}\t{o.trading_date}\t{o.symbol}"
            f"\t{o.side}\t{o.type}\t{o.time_in_force}\t{o.price_e4}\t{o.quantity}\t{o.executed_quantity}\t{o.open_quantity}"
            f"\t{o.executed_amount_e4}\t{o.fees_e4}\t{o.state}\t{o.create_time_us}\t{o.update_time_us}\t{o.last_sequence}"
            f"\t{_text(o.refusal)}\t{_terms(o.terms)}\t{o.triggered:d}\t{o.done_reason}\t{_text(o.lease)}\t0\t0\t0\n"
            for o in orders
        ]
    )


def _terms(terms: Terms) -> str:
    return PLAIN_TERMS if terms == PLAIN else "\t".join(str(int(value)) for value in terms)


def _text(value: str) -> str:
    return value.replace("\\", "\\\\") if "\\" in value else value


def _arrays(changes: dict[int, Change]) -> list[str]:
    """The changes as PostgreSQL array literals, a column each: a tenth of the cost of adapting lists."""
    rows = changes.values()
    columns: list[Iterable[int]] = [changes.keys()]
    columns.extend([getattr(one, name) for one in rows] for name in CHANGE_COLUMNS[1:])
    return ["{" + ",".join(map(str, column)) + "}" for column in columns]
