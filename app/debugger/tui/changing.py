"""The keys that change what happens next of a run: each says first what would come of it, and asks for a reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.text import Text
from textual import work

from app.debugger.marks import plain
from app.debugger.session import Changes, Edit
from app.debugger.tui.conflict import Changed
from app.debugger.tui.editing import EditOutput, plan_text
from app.debugger.tui.looking import LookingScreen
from app.debugger.tui.prompts import AnyKey, Line
from ironflow.errors import Conflict, IronflowError

REASON = "a reason is needed: it is recorded with the change"


class ChangingScreen(LookingScreen):
    """All of it goes through the session and its changes, which do nothing that the API does not."""

    def on_mount(self) -> None:
        self._refused: dict[tuple[str, str], Any] = {}
        """What was written for steps and refused: it is there again when that is tried again."""

    @property
    def changes(self) -> Changes:
        assert self.session.changes is not None  # check_action keeps the keys from coming here
        return self.session.changes

    @work
    async def action_unlock(self) -> None:
        if not self.locked:
            why = "Nothing is locked" if self.may_change else "A bundle, and --read-only, cannot be unlocked"
            self.notify(why, timeout=2)
            return
        if await self.app.push_screen_wait(AnyKey(f"{self.home.place} is production. W again: allow changes")) == "W":
            self.locked = False
            self.show_keys()
            self.show()

    @work
    async def action_edit(self) -> None:
        """Another output for the step here: patched if it has ended, injected if it has not and the run is paused."""
        session, thread = self.session, self.thread
        try:
            step = await self.asked(lambda: thread.recording.step(thread.index))
        except IronflowError as error:
            self.failed(error)
            return
        if step is None:
            self.notify("There is no step here: go to one first", severity="warning")
            return
        ended = step.status in ("completed", "failed")

        def edit(output: Any) -> Edit | None:
            if ended:
                return session.stage(thread, step.step_id, [], output)
            return session.unended(thread, step.step_id, output)

        if await self.asked(lambda: edit(step.output)) is None:
            self.notify("It has not ended: H holds the run, then it can be given an output", severity="warning")
            return
        verb = "patch" if ended else "inject"
        run_id = thread.recording.run_id

        def planned(output: Any) -> Text:
            return plan_text(self.changes.plan(run_id, verb, edit=edit(output)))

        async def plan(output: Any) -> Text:
            try:
                return await self.asked(lambda: planned(output))
            except IronflowError as error:
                return Text(plain(f"{error.message}  {error.hint}"), "bold red")

        base, begun = step.output, self._refused.pop((run_id, step.step_id), step.output)
        while True:
            window = EditOutput(step.path, verb.capitalize(), base, plan, begun=begun)
            edited = await self.app.push_screen_wait(window)
            session.edits.pop((run_id, step.step_id), None)
            if edited is None:
                return
            output, reason, then = edited

            def send(output: Any = output, reason: str = reason, then: str = then) -> str | None:
                made = edit(output)
                session.edits.pop((run_id, step.step_id), None)
                assert made is not None
                if then == "fork":
                    return self.changes.fork(run_id, thread.record.position, [made], reason)
                change = self.changes.patch if ended else self.changes.inject
                change(made, reason, resume=then == "resume")
                return None

            said = f"Forked {run_id}" if then == "fork" else f"{verb.capitalize()}ed {step.path}"
            refused = await self._do(send, said, follow=then != "only")
            if refused is None:
                return
            self._refused[run_id, step.step_id] = begun = output
            if not isinstance(refused, Conflict):
                return
            now = await self.asked(lambda: thread.recording.step(thread.recording.last, step.step_id))
            theirs = None if now is None else now.output
            if not await self.app.push_screen_wait(Changed(step.path, base, theirs, output)):
                return
            base = theirs

    @work
    async def action_resume(self) -> None:
        run_id = self.thread.recording.run_id
        reason = await self._reason(f"Resume {run_id}", "resume")
        if reason:
            await self._do(lambda: self.changes.resume(run_id, reason), "Resumed", follow=True)

    @work
    async def action_resume_here(self) -> None:
        run_id, path = self.thread.recording.run_id, self.thread.record.path
        if not path:
            self.notify("There is no step here: go to one first", severity="warning")
            return
        reason = await self._reason(f"Resume {run_id} from {path}", "resume", from_step=path)
        if reason:
            await self._do(lambda: self.changes.resume(run_id, reason, from_step=path), "Resumed", follow=True)

    @work
    async def action_hold(self) -> None:
        run_id = self.thread.recording.run_id
        reason = await self._reason(f"Hold {run_id} at its next step boundary")
        if reason:
            await self._do(
                lambda: self.changes.pause(run_id, reason), "It is held at its next step boundary", follow=True
            )

    @work
    async def action_fork(self) -> None:
        run_id, position = self.thread.recording.run_id, self.thread.record.position
        reason = await self._reason(f"Fork {run_id} at position {position}", "fork", position=position)
        if reason:
            await self._do(lambda: self.changes.fork(run_id, position, [], reason), f"Forked {run_id}", follow=True)

    @work
    async def action_replay(self) -> None:
        run_id = self.thread.recording.run_id
        reason = await self._reason(f"Replay {run_id}: a new run with the same input", "replay")
        if reason:
            await self._do(lambda: self.changes.replay(run_id, reason), f"Replayed {run_id}", follow=True)

    @work
    async def action_cancel(self) -> None:
        run_id = self.thread.recording.run_id
        reason = await self._reason(f"Cancel {run_id}? What its steps did stays done")
        if reason:
            await self._do(lambda: self.changes.cancel(run_id, reason), f"Cancelled {run_id}")

    async def _reason(self, title: str, action: str = "", **wanted: Any) -> str:
        """Why, from whoever has seen what would come of it; empty if it was given up, or is refused."""
        run_id, about = self.thread.recording.run_id, Text("")
        if action:
            try:
                about = plan_text(await self.asked(lambda: self.changes.plan(run_id, action, **wanted)))
            except IronflowError as error:
                self.failed(error)
                return ""
        return (await self.app.push_screen_wait(Line(title, about=about, needed=REASON)) or "").strip()

    async def _do(self, change: Callable[[], str | None], said: str, *, follow: bool = False) -> IronflowError | None:
        """Change something, and show what came of it: the new run, if there is one. What is refused changes
        nothing; what happened meanwhile is shown. The refusal, if there was one."""
        known = len(self.thread.recording.records)
        try:
            made = await self.asked(change)
            thread = await self.asked(lambda: self.session.open(made)) if made else self.thread
        except IronflowError as error:
            self.failed(error)
            await self.take_up()
            return error
        self.following = self.following or follow
        self.went(self.session.go(thread, thread.recording.last))
        await self.take_up()
        new = self.thread.recording.records[known:]
        recorded = f": {made}" if made else f", recorded at position {new[0].position}" if new else ""
        self.notify(plain(f"{said}{recorded}"), markup=False)
        return None
