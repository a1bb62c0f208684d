"""The pen that read models write with: rows gathered in memory, sent to PostgreSQL by COPY and executemany."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

import msgspec
from psycopg import sql
from psycopg.rows import dict_row

from grantflow.projection import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from psycopg import Connection

    from grantflow.projection import Row, Table

_FETCHED_AT_ONCE = 50_000
_JSON = msgspec.json.Encoder(order="sorted").encode


class TablePen:
    """Writes the tables of one read model in one schema. Nothing is stored before `flush`."""

    def __init__(
        self, connection: Connection[Any], schema: str, tables: Mapping[str, Table], *, empty: bool
    ) -> None:
        """`empty` says that the tables start empty and nobody else writes them: then nothing is looked up."""
        self._connection, self._schema, self._tables, self._empty = connection, schema, tables, empty
        self._rows: dict[str, dict[tuple[object, ...], Row]] = {name: {} for name in tables}
        self._stored: dict[str, set[tuple[object, ...]]] = {name: set() for name in tables}
        self._changed: dict[str, set[tuple[object, ...]]] = {name: set() for name in tables}
        self._added: dict[str, list[Row]] = {name: [] for name in tables}
        self._by_stream = [name for name, table in tables.items() if table.columns[table.key[0]] == "uuid"]
        self._fetched: set[object] = set()
        self._forgot = False

    def fetch(self, streams: Iterable[UUID]) -> None:
        """Look up what is stored of these streams, in tables whose keys begin with one, by one query a table."""
        wanted = list(streams)
        for name in self._by_stream:
            first = sql.Identifier(self._tables[name].key[0])
            query = sql.SQL("SELECT * FROM {} WHERE {} = ANY(%s)").format(
                sql.Identifier(self._schema, name), first
            )
            with self._connection.cursor(row_factory=dict_row) as cursor:
                for row in cursor.execute(query, (wanted,)):
                    self._found(name, row)
        self._fetched.update(wanted)

    def recall(self, streams: Iterable[UUID]) -> None:
        """Fetch what is stored of these streams, if something had to be forgotten: else it is known."""
        if self._forgot:
            self.fetch(streams)

    def get(self, table: str, *key: object) -> Row | None:
        rows = self._rows[table]
        if key not in rows and not self._surely_new(table, key):
            found = self._select(table, key)
            if found is None:
                return None
            self._found(table, found)
        return rows.get(key)

    def put(self, table: str, **row: object) -> None:
        key = tuple(row[column] for column in self._tables[table].key)
        if not self._empty:
            self.get(table, *key)
        self._rows[table][key] = row
        self._changed[table].add(key)

    def change(self, table: str, *key: object, **columns: object) -> None:
        row = self.get(table, *key)
        if row is not None:
            self._rows[table][key] = {**row, **columns}
            self._changed[table].add(key)

    def add(self, table: str, **row: object) -> None:
        self._added[table].append(row)

    @property
    def waiting(self) -> int:
        """How many changed rows wait to be stored."""
        return sum(len(keys) for keys in self._changed.values())

    def flush(self, *, changed: bool = True) -> None:
        """Send what was gathered: rows that only grow always, changed rows when asked to."""
        for name, rows in self._added.items():
            if rows:
                self._copy(name, rows)
                self._added[name] = []
        if not changed:
            return
        for name, keys in self._changed.items():
            known, stored = self._rows[name], self._stored[name]
            fresh = [key for key in keys if key not in stored]
            self._copy(name, [known[key] for key in fresh])
            self._upsert(name, [known[key] for key in keys if key in stored])
            stored.update(fresh)
            self._changed[name] = set()
            if len(known) > _FETCHED_AT_ONCE:
                known.clear()
                self._forgot = True

    def _surely_new(self, table: str, key: tuple[object, ...]) -> bool:
        if self._empty:
            return key not in self._stored[table]
        return key[0] in self._fetched and table in self._by_stream

    def _found(self, table: str, row: Row) -> None:
        key = tuple(row[column] for column in self._tables[table].key)
        self._rows[table].setdefault(key, row)  # what is known already may have been changed since
        self._stored[table].add(key)

    def _select(self, table: str, key: tuple[object, ...]) -> Row | None:
        where = sql.SQL(" AND ").join(
            sql.SQL("{} = %s").format(sql.Identifier(column)) for column in self._tables[table].key
        )
        query = sql.SQL("SELECT * FROM {} WHERE {}").format(sql.Identifier(self._schema, table), where)
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, key).fetchone()

    def _copy(self, table: str, rows: list[Row]) -> None:
        if not rows:
            return
        declared = self._tables[table]
        names = sql.SQL(", ").join(map(sql.Identifier, declared.columns))
        query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(self._schema, table), names)
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            for row in rows:
                copy.write_row(_values(declared, row))

    def _upsert(self, table: str, rows: list[Row]) -> None:
        if not rows:
            return
        declared = self._tables[table]
        names = [sql.Identifier(column) for column in declared.columns]
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
            sql.Identifier(self._schema, table),
            sql.SQL(", ").join(names),
            sql.SQL(", ").join(_parameter(kind) for kind in declared.columns.values()),
            sql.SQL(", ").join(map(sql.Identifier, declared.key)),
            sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(name) for name in names),
        )
        with self._connection.cursor() as cursor:
            cursor.executemany(query, [_values(declared, row) for row in rows])


def create_tables(connection: Connection[Any], schema: str, tables: Mapping[str, Table]) -> None:
    """Create a read model's tables in a schema, empty, and without their further indexes."""
    for name, table in tables.items():
        place = sql.Identifier(schema, name)
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(c), _trusted(kind)) for c, kind in table.columns.items()
        ]
        key = sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, table.key)))
        connection.execute(sql.SQL("CREATE TABLE {} ({})").format(place, sql.SQL(", ").join([*columns, key])))


def index_tables(connection: Connection[Any], schema: str, tables: Mapping[str, Table]) -> None:
    """Give a read model's tables their further indexes, and lay out the rows that are to stand together."""
    for name, table in tables.items():
        place = sql.Identifier(schema, name)
        for columns in table.indexes:
            by = sql.SQL(", ").join(map(sql.Identifier, columns))
            if columns != table.together:
                connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(place, by))
                continue
            index = sql.Identifier(f"{name}_together")
            connection.execute(sql.SQL("CREATE INDEX {} ON {} ({})").format(index, place, by))
            connection.execute(sql.SQL("CLUSTER {} USING {}").format(place, index))


def _parameter(kind: str) -> sql.Composable:
    return sql.SQL("%s::jsonb") if kind.startswith(JSON) else sql.SQL("%s")


def _values(table: Table, row: Row) -> list[object]:
    written = {name: _JSON(row[name]).decode() for name in table.of_json if row.get(name) is not None}
    full = row | written if written else row
    return [full.get(name) for name in table.columns]


def _trusted(kind: LiteralString | str) -> sql.SQL:
    """A column's type as its module declares it: part of the code, never of anybody's input."""
    return sql.SQL(kind)
