"""What a Platform file names is there after the start, once, whatever was there before; both stores."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.access.bootstrap import SYSTEM
from app.access.seeding import seed
from app.node import Node
from app.settings import SettingsError
from app.settings_file import Organization, Project

ACME = Organization("acme", (Project("shop", ("production", "staging")), Project("empty", ())))


def tree(node: Node) -> dict[str, dict[str, set[str]]]:
    """Environments by project by organization, by name, of those that were seeded."""
    tenancy = node.access.tenancy
    found: dict[str, dict[str, set[str]]] = {}
    for org in tenancy.orgs(SYSTEM):
        actor = replace(SYSTEM, org=org.id)
        found[org.name] = {
            project.name: {one.name for one in tenancy.environments(actor, project.id)}
            for project in tenancy.projects(actor)
        }
    return found


async def test_a_second_start_makes_only_what_is_new(node: Node) -> None:
    await seed(node.access.tenancy, [ACME])
    head = node.tail.head
    assert tree(node)["acme"] == {"shop": {"production", "staging"}, "empty": set()}

    await seed(node.access.tenancy, [ACME])
    assert node.tail.head == head, "nothing was recorded again"

    await seed(node.access.tenancy, [Organization("acme", (Project("empty", ("testing",)),)), Organization("new", ())])
    assert tree(node)["acme"] == {"shop": {"production", "staging"}, "empty": {"testing"}}
    assert "new" in tree(node)


async def test_a_name_that_cannot_be_one_is_refused(node: Node) -> None:
    with pytest.raises(SettingsError, match="a/b"):
        await seed(node.access.tenancy, [Organization("acme", (Project("shop", ("a/b",)),))])
