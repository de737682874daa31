"""Questions of one moment asked as one: while a statement is on its way, those that come wait for the next."""

import asyncio
from typing import Any

from wasl.edges import gate

MOST = 200  # questions of one statement

Row = tuple[Any, ...]


class Joined:
    """A statement over arrays, one value of each a question; its rows begin with the question's number, from 1."""

    def __init__(self, statement: str) -> None:
        self._statement = statement.encode()
        self._waiting: list[tuple[tuple[object, ...], asyncio.Future[Row | None]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, *values: object) -> Row | None:
        """The row that answers one question, without its number; None when there is none."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Row | None] = loop.create_future()
        self._waiting.append((values, answer))
        if self._asking is None or self._asking.done() or self._asking.get_loop() is not loop:
            self._asking = loop.create_task(self._drain())
        return await answer

    async def _drain(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                found = await self._rows([values for values, _ in taken])
            except BaseException as error:
                for _, answer in taken:
                    if not answer.done():
                        answer.set_exception(error if isinstance(error, Exception) else ConnectionError())
                if not isinstance(error, Exception):
                    raise
                continue
            for number, (_, answer) in enumerate(taken, 1):
                if not answer.done():  # who asked may have gone
                    answer.set_result(found.get(number))

    async def _rows(self, questions: list[tuple[object, ...]]) -> dict[int, Row]:
        columns = [list(column) for column in zip(*questions, strict=True)]
        async with (await gate.pool()).connection() as connection:
            rows = await (await connection.execute(self._statement, columns, prepare=True)).fetchall()
        return {row[0]: tuple(row[1:]) for row in rows}
