"""What the launcher promises (packaging/launcher/launcher.c), with a small program behind it."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli import executable
from app.resources import VERSION
from tests.frozen.conftest import Packed

pytestmark = pytest.mark.frozen

Pack = Callable[..., Packed]
MIB = 1 << 20


def test_the_first_start_unpacks_and_later_ones_do_not(pack: Pack) -> None:
    packed = pack()

    first = packed.where()
    made_at = (first / "ironflow").stat().st_ctime_ns
    assert packed.where() == first

    assert (first / "ironflow").stat().st_ctime_ns == made_at
    assert first.parent == packed.cache
    assert packed.versions() == [first.name]


def test_arguments_exit_code_and_pid_are_the_program_s_own(pack: Pack) -> None:
    packed = pack()

    shown = packed.run("a b", "", "c")
    started = packed.start("pid")
    told, _ = started.communicate(timeout=30)

    assert (shown.stdout, shown.returncode) == ("hello a b  c\n", 7)
    assert int(told) == started.pid


@pytest.mark.parametrize("asked", ["--version", "-V", "version"])
def test_the_version_is_told_once_the_program_is_there_and_without_it(pack: Pack, asked: str) -> None:
    packed = pack()

    shown = [packed.run(asked) for _ in range(2)]

    assert {(one.stdout, one.returncode) for one in shown} == {(f"ironflow {VERSION}\n", 0)}
    assert len(packed.versions()) == 1, "it is unpacked"
    assert packed.run(asked, "more").returncode == 7


def test_of_many_first_starts_one_unpacks_and_all_run(pack: Pack) -> None:
    packed = pack(more=random.Random(7).randbytes(8 * MIB))

    started = [packed.start("where") for _ in range(12)]
    told = {one.communicate(timeout=60)[0] for one in started}

    assert {one.returncode for one in started} == {0}
    [where] = told
    assert packed.versions() == [Path(where.strip()).name]


def test_what_a_start_killed_in_the_middle_left_is_no_obstacle(pack: Pack) -> None:
    packed = pack(more=random.Random(7).randbytes(4 * MIB))

    def end_at_the_first_mebibyte() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))  # the kernel kills whoever writes beyond

    killed = packed.run("where", preexec_fn=end_at_the_first_mebibyte)
    assert killed.returncode == -signal.SIGXFSZ
    assert packed.versions() == [".unpacking"]

    where = packed.where()

    assert (where / "data" / "more").stat().st_size == 4 * MIB
    assert packed.versions() == [where.name]


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.99999])
def test_a_file_that_was_not_fetched_whole_says_so(pack: Pack, kept: float) -> None:
    packed = pack(more=random.Random(7).randbytes(MIB))
    whole = packed.file.read_bytes()
    packed.file.write_bytes(whole[: int(len(whole) * kept)])

    shown = packed.run("where")

    assert shown.returncode == 126
    assert "damaged or incomplete; get it again" in shown.stderr


def test_a_byte_changed_anywhere_behind_the_launcher_is_noticed(pack: Pack, launcher: Path, seed: int) -> None:
    """But those that say how much memory unpacking may take: there, what is unpacked is the same."""
    packed = pack(more=random.Random(7).randbytes(MIB))
    whole = packed.file.read_bytes()
    begin = -(-launcher.stat().st_size // 4096) * 4096
    window = {begin + 4, begin + 5}
    draw = random.Random(seed)
    ends = [begin, begin + 4, begin + 5, len(whole) - 1, len(whole) - 40, len(whole) - 60, len(whole) - 400]

    for at in [*ends, *(draw.randrange(begin, len(whole)) for _ in range(40))]:
        packed.file.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << draw.randrange(8))]) + whole[at + 1 :])
        shown = packed.run()
        noticed = (shown.returncode, "damaged" in shown.stderr) == (126, True)
        harmless = at in window and shown.stdout.startswith("hello")
        assert noticed or harmless, f"byte {at} of {len(whole)}: {shown}"
        shutil.rmtree(packed.cache, ignore_errors=True)


@pytest.mark.parametrize("damage", ["change", "truncate", "remove", "mode", "replace"])
def test_what_was_damaged_after_unpacking_is_unpacked_anew(pack: Pack, damage: str) -> None:
    packed = pack()
    greeting = packed.where() / "data" / "greeting"
    match damage:
        case "change":
            with greeting.open("r+b") as file:
                file.write(b"j")
        case "truncate":
            os.truncate(greeting, 0)
        case "remove":
            greeting.unlink()
        case "mode":
            (packed.where() / "ironflow").chmod(0o644)
        case "replace":
            greeting.unlink()
            greeting.symlink_to("/etc/passwd")

    assert packed.run().stdout.startswith("hello")
    assert len(packed.versions()) == 1


def test_versions_before_the_last_are_swept_unless_one_runs(pack: Pack) -> None:
    running = pack("one")
    process = running.start("wait")
    assert process.stdout is not None
    one = Path(process.stdout.readline().strip()).name

    two, three, four = (pack(name).where().name for name in ("two", "three", "four"))
    assert running.versions() == sorted([one, three, four]), f"{two} is neither the last before nor in use"

    assert process.communicate("\n", timeout=30)[0] == "one"
    five = pack("five").where().name
    assert running.versions() == sorted([four, five])


def test_a_directory_that_others_may_write_is_not_trusted(pack: Pack) -> None:
    packed = pack()
    packed.cache.mkdir()
    packed.cache.chmod(0o777)
    packed.environment["TMPDIR"] = str(packed.file.parent)

    shown = packed.run("where")

    assert Path(shown.stdout.strip()).parent == packed.file.parent / f"ironflow-{os.geteuid()}"
    assert f"{packed.cache}: others may write there" in shown.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("size=2m", "MiB are needed, and fewer are free"),
        ("noexec", "nothing may be executed there (noexec)"),
        ("ro", "Read-only file system"),
    ],
)
def test_a_cache_that_cannot_be_used_is_told_and_another_taken(pack: Pack, options: str, reason: str) -> None:
    packed = pack()
    packed.cache.mkdir()
    packed.environment["TMPDIR"] = str(packed.file.parent)

    shown = _mounted(packed, options, "where")
    again = _mounted(packed, options, "where")

    assert shown.returncode == 0, shown.stderr
    assert Path(shown.stdout.strip()).parent == packed.file.parent / f"ironflow-{os.geteuid()}"
    assert f"{packed.cache}: " in shown.stderr
    assert reason in shown.stderr
    assert (again.stdout, again.stderr) == (shown.stdout, ""), "it is told once, by whoever unpacks"


def test_an_unpacked_program_runs_from_a_read_only_directory(pack: Pack) -> None:
    packed = pack()
    where = packed.where()

    command = f'mount --bind "{packed.cache}" "{packed.cache}" && mount -o remount,bind,ro "{packed.cache}"'
    shown = _in_own_mounts(packed, command, "where")

    assert (shown.stdout.strip(), shown.stderr) == (str(where), "")


def test_without_any_directory_it_says_what_it_tried_and_needs(pack: Pack) -> None:
    packed = pack()
    full = " && ".join(
        f"mount -t tmpfs -o mode=755,size=1m none {place}"
        for place in (packed.file.parent / "cache", "/var/tmp", "/dev/shm")
    )
    packed.cache.mkdir()
    packed.file = Path(
        shutil.move(packed.file, Path("/usr/local/lib" if os.access("/usr/local/lib", os.W_OK) else "/"))
    )
    try:
        shown = _in_own_mounts(packed, f"{full} && mount -t tmpfs -o mode=755,size=1m none /tmp", "where")
    finally:
        packed.file.unlink()

    assert shown.returncode == 126
    assert "found no directory to unpack into" in shown.stderr
    assert "/var/tmp/ironflow-" in shown.stderr
    assert "Set IRONFLOW_CACHE_DIR" in shown.stderr


def _mounted(packed: Packed, options: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it where its cache is a file system of its own, mounted with these options."""
    return _in_own_mounts(packed, f'mount -t tmpfs -o mode=755,{options} none "{packed.cache}"', *arguments)


def _in_own_mounts(packed: Packed, prepare: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    separate = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if not shutil.which("unshare") or subprocess.run([*separate, "true"], capture_output=True).returncode:
        pytest.skip("this system lets nobody have mounts of their own")
    command = [*separate, "sh", "-c", f'{prepare} && exec "$@"', "sh", str(packed.file), *arguments]
    return subprocess.run(command, env=packed.env, capture_output=True, text=True, timeout=60)


def test_a_byte_that_changed_beneath_the_file_system_is_found_by_comparing_all(pack: Pack) -> None:
    packed = pack()
    greeting = packed.where() / "data" / "greeting"
    assert list(executable.changed(packed.file, packed.where())) == []

    before = greeting.stat()
    greeting.write_text("jello")
    os.utime(greeting, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a disk that forgets does not tell

    assert list(executable.changed(packed.file, packed.where())) == ["data/greeting"]
