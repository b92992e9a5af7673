"""Secrets on both stores: what is stored, who can read it, and how the master key changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors import AlreadyExists, FailedPrecondition, Internal, InvalidArgument, SecretNotFound
from app.history.rebuild import rebuild
from app.ids import Ids
from app.node import Node
from app.values import keyring
from app.values.keyring import BadMasterKey, FileKeys, GivenKeys, MasterKeys, key_id, master_keys
from app.values.vault import ORPHAN_AGE_US, Vault
from storage import history
from storage import secrets as rows
from storage.contract import Storage, Transaction
from tests.support.nodes import alive

ENV = "default"
ONE, TWO = bytes(range(32)), bytes(range(1, 33))


def vault_with(node: Node, clock: ManualClock, keys: MasterKeys) -> Vault:
    return Vault(storage=node.storage, committer=node.committer, clock=clock, master_keys=keys)


@pytest.fixture
async def vault(storage: Storage, clock: ManualClock) -> AsyncIterator[Vault]:
    node = Node(storage=storage, clock=clock, ids=Ids(clock), master_keys=GivenKeys([ONE]))
    async with alive(node, drained=False):
        yield node.vault


async def values(storage: Storage) -> list[Any]:
    """Every encrypted value there is."""
    return await storage.read(
        lambda tx: list(tx._connection.execute("select id, name, revision, nonce, ciphertext from secret_values"))  # type: ignore[attr-defined]
    )


async def test_a_value_goes_in_and_comes_out_for_dispatch_only(vault: Vault, storage: Storage) -> None:
    made = await vault.create(ENV, "API_KEY", "hunter22", description="of the shop")
    changed = await vault.update(ENV, "API_KEY", "hunter33")

    assert (made.name, made.revision, made.description) == ("API_KEY", 1, "of the shop")
    assert (changed.revision, changed.description, changed.created_at) == (2, "of the shop", made.created_at)
    assert await vault.resolve(ENV, ["API_KEY"]) == {"API_KEY": "hunter33"}
    assert [(row[1], row[2]) for row in await values(storage)] == [("API_KEY", 2)], "the old value is gone"
    entries = await storage.read(lambda tx: history.after(tx, 0))
    told = "".join(entry.data for entry in entries)
    assert "hunter" not in told + str(await values(storage))
    assert vault.scrubber.text("hunter22 hunter33") == "[secret:API_KEY] [secret:API_KEY]"


async def test_what_is_not_there_is_named(vault: Vault) -> None:
    await vault.create(ENV, "A", "value-a")

    with pytest.raises(SecretNotFound, match="'B', 'C'"):
        await vault.resolve(ENV, ["A", "B", "C"])
    with pytest.raises(SecretNotFound):
        await vault.resolve("other", ["A"])
    with pytest.raises(InvalidArgument):
        await vault.resolve(ENV, ["a\0"])
    for absent in (
        vault.update(ENV, "B", "x"),
        vault.delete(ENV, "B"),
        vault.describe(ENV, "B", ""),
        vault.get(ENV, "B"),
    ):
        with pytest.raises(SecretNotFound):
            await absent
    with pytest.raises(AlreadyExists):
        await vault.create(ENV, "A", "again")
    assert await vault.resolve(ENV, ["A"]) == {"A": "value-a"}


async def test_a_deleted_value_is_destroyed_and_its_revision_never_used_again(vault: Vault, storage: Storage) -> None:
    await vault.create(ENV, "A", "first")
    await vault.delete(ENV, "A")

    assert await values(storage) == []
    assert list(await vault.list(ENV)) == []
    again = await vault.create(ENV, "A", "second")
    assert again.revision == 2


async def test_a_renamed_secret_keeps_its_value_and_no_other_name(vault: Vault, storage: Storage) -> None:
    await vault.create(ENV, "A", "value-a", description="d")
    await vault.create(ENV, "TAKEN", "value-b")
    with pytest.raises(AlreadyExists):
        await vault.rename(ENV, "A", "TAKEN")

    renamed = await vault.rename(ENV, "A", "B")
    described = await vault.describe(ENV, "B", "new")

    assert (renamed.name, renamed.description, described.description, described.revision) == ("B", "d", "new", 1)
    assert await vault.resolve(ENV, ["B"]) == {"B": "value-a"}
    with pytest.raises(SecretNotFound):
        await vault.get(ENV, "A")
    assert len(await values(storage)) == 2


async def test_a_value_is_bound_to_its_place(vault: Vault, storage: Storage) -> None:
    """Whoever can write to the database cannot make one secret read as another."""
    await vault.create(ENV, "A", "value-a")
    await vault.create(ENV, "B", "value-b")
    before = {row[1]: row for row in await values(storage)}

    def swap(tx: Transaction) -> None:
        for name, other in (("A", "B"), ("B", "A")):
            nonce, ciphertext = bytes(before[other][3]).hex(), bytes(before[other][4]).hex()
            literal = "x'{}'" if storage.dialect == "sqlite" else "'\\x{}'"
            tx._connection.execute(  # type: ignore[attr-defined]
                f"update secret_values set nonce = {literal.format(nonce)}, ciphertext = {literal.format(ciphertext)}"
                f" where name = '{name}'"
            )

    await storage.write(swap)

    for name in ("A", "B"):
        with pytest.raises(Internal, match="cannot be decrypted"):
            await vault.resolve(ENV, [name])


async def test_changes_at_the_same_time_leave_one_value_that_can_be_read(vault: Vault, storage: Storage) -> None:
    await vault.create(ENV, "A", "value-0")

    changed = await asyncio.gather(*(vault.update(ENV, "A", f"value-{n}") for n in range(1, 6)))

    assert sorted(row.revision for row in changed) == [2, 3, 4, 5, 6]
    last = max(range(5), key=lambda n: changed[n].revision)
    assert await vault.resolve(ENV, ["A"]) == {"A": f"value-{last + 1}"}
    assert len(await values(storage)) == 1


async def test_what_an_interrupted_change_left_behind_is_swept(
    vault: Vault, storage: Storage, clock: ManualClock
) -> None:
    await vault.create(ENV, "A", "value-a")
    orphan = rows.SecretValueRow("orphan", ENV, "A", 9, b"n", b"c", clock.now_us())
    await storage.write(lambda tx: rows.add_value(tx, orphan))

    await vault.start()
    assert len(await values(storage)) == 2, "it may belong to a change that is under way"
    clock.advance(ORPHAN_AGE_US + 1)
    await vault.start()
    assert [row[1] for row in await values(storage)] == ["A"]


async def test_the_table_is_what_history_says(vault: Vault, storage: Storage, node: Node) -> None:
    await vault.create(ENV, "A", "value-a")
    await vault.rename(ENV, "A", "B")
    await vault.create(ENV, "C", "value-c")
    await vault.delete(ENV, "C")

    report = await rebuild(storage, node.fold, check=True)

    assert report.differing == ()
    assert report.rows["secret"] == 1
    await rebuild(storage, node.fold, check=False)
    assert await vault.resolve(ENV, ["B"]) == {"B": "value-a"}


# Master keys.


async def test_rotating_wraps_anew_and_readers_never_notice(node: Node, clock: ManualClock, tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    running = vault_with(node, clock, FileKeys(file))
    await running.create(ENV, "A", "value-a")
    await running.create("other", "A", "value-b")
    sealed = await values(node.storage)
    before = file.read_text()

    rotation = await running.rotate_key()

    assert rotation.environments == 2
    assert await values(node.storage) == sealed, "values are not touched"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() != before
    assert len(file.read_text().split()) == 1
    assert await running.resolve(ENV, ["A"]) == {"A": "value-a"}
    started = vault_with(node, clock, FileKeys(file))
    assert await started.resolve("other", ["A"]) == {"A": "value-b"}
    with pytest.raises(FailedPrecondition, match="master key"):
        await vault_with(node, clock, GivenKeys([bytes.fromhex(before.strip())])).resolve(ENV, ["A"])


@pytest.mark.parametrize("at", ["before wrapping", "after wrapping"])
async def test_an_interrupted_rotation_loses_nothing(node: Node, clock: ManualClock, tmp_path: Path, at: str) -> None:
    file = tmp_path / "master.key"
    await vault_with(node, clock, FileKeys(file)).create(ENV, "A", "value-a")

    class Interrupted(FileKeys):
        def retire(self) -> None:
            raise KeyboardInterrupt

    if at == "before wrapping":
        FileKeys(file).advance()
    else:
        with pytest.raises(KeyboardInterrupt):
            await vault_with(node, clock, Interrupted(file)).rotate_key()
    assert len(file.read_text().split()) == 2

    started = vault_with(node, clock, FileKeys(file))
    assert await started.resolve(ENV, ["A"]) == {"A": "value-a"}
    await started.rotate_key()
    assert len(file.read_text().split()) == 1
    assert await vault_with(node, clock, FileKeys(file)).resolve(ENV, ["A"]) == {"A": "value-a"}


async def test_keys_of_the_environment_are_for_others_to_change(node: Node, clock: ManualClock) -> None:
    first = vault_with(node, clock, GivenKeys([ONE]))
    await first.create(ENV, "A", "value-a")
    with pytest.raises(FailedPrecondition, match="IRONFLOW_MASTER_KEY"):
        await first.rotate_key()

    both = vault_with(node, clock, GivenKeys([TWO, ONE]))
    assert await both.resolve(ENV, ["A"]) == {"A": "value-a"}
    assert (await both.rotate_key()).master_id == key_id(TWO)

    assert await vault_with(node, clock, GivenKeys([TWO])).resolve(ENV, ["A"]) == {"A": "value-a"}
    with pytest.raises(FailedPrecondition):
        await vault_with(node, clock, GivenKeys(())).create("new", "A", "value-a")


def test_a_key_is_made_once_and_only_when_needed(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    source = FileKeys(file)

    assert list(source.load()) == []
    assert not file.exists()
    [made] = source.load(create=True)
    assert list(FileKeys(file).load(create=True)) == [made]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


def test_sources_in_order_and_bad_keys(tmp_path: Path) -> None:
    (tmp_path / "own").write_text(TWO.hex())
    bad = tmp_path / "bad"
    bad.write_text("nonsense")

    assert list(master_keys(tmp_path, "", {"IRONFLOW_MASTER_KEY": f"{TWO.hex()},{ONE.hex()}"}).load()) == [TWO, ONE]
    assert list(master_keys(tmp_path, str(tmp_path / "own"), {}).load()) == [TWO]
    assert list(master_keys(tmp_path, "", {}).load()) == []
    for file, environment in ((str(bad), {}), ("", {"IRONFLOW_MASTER_KEY": "00"}), (str(tmp_path), {})):
        with pytest.raises(BadMasterKey) as refused:
            master_keys(tmp_path, file, environment)
        assert "nonsense" not in str(refused.value)


def test_ciphertexts_differ_each_time() -> None:
    assert keyring.seal(ONE, b"x", "a") != keyring.seal(ONE, b"x", "a")
