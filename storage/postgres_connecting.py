"""Connections to Postgres that notice within seconds when the network between goes silent, on either side.

A cable that is pulled tells nobody. Without limits a client waits a quarter of an hour for an answer, and Postgres two
hours for a client, whose open transaction may hold the append lock that every node waits for. So both sides ask after
each other, and Postgres ends a transaction whose client does nothing with it, be it cut off or stopped.
What a URL says of the client's side counts before what is said here.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg import Connection, conninfo

from storage.contract import Row

CONNECT_TIMEOUT_S = 5

_OF_CLIENTS: Mapping[str, int] = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 5_000,
}
_OF_THE_SERVER = b"""
set tcp_keepalives_idle = 3;
set tcp_keepalives_interval = 1;
set tcp_keepalives_count = 2;
set tcp_user_timeout = 5000;
set idle_in_transaction_session_timeout = 10000;
"""
"""No transaction of ours computes for so long between two statements. Nothing of it means anything to a Unix socket but
the last."""


def told(url: str) -> str:
    """The URL with the limits of the client's side."""
    given = conninfo.conninfo_to_dict(url)
    return conninfo.make_conninfo(url, **{name: value for name, value in _OF_CLIENTS.items() if name not in given})


def connect(url: str) -> Connection[Row]:
    """A connection in autocommit mode, with limits on both sides. Raises psycopg.OperationalError."""
    connection: Connection[Row] = psycopg.connect(told(url), autocommit=True)
    try:
        connection.execute(_OF_THE_SERVER)
    except BaseException:
        connection.close()
        raise
    return connection
