"""The connections of a worker: its own pool to look for jobs, Django's connection for what a job defers."""

from procrastinate.connector import BaseConnector
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.psycopg_connector import PsycopgConnector


class AtWork(PsycopgConnector):
    """What a job defers is deferred in the transaction of what it does.

    procrastinate's own would commit it apart, at once: others were told of facts that were not there yet, or never came
    to be, and what was told to the same subject later waited behind them.
    """

    def get_sync_connector(self) -> BaseConnector:
        """The connection of the thread that asks, with its transaction."""
        return DjangoConnector()
