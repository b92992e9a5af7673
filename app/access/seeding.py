"""Organizations, projects and environments that a Platform file names: made at the start if they are missing.

Nothing is taken away, and what is there is left as it is; several nodes may do this at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from msgspec.structs import replace

from app.access.bootstrap import SYSTEM
from app.access.tenancy import Tenancy
from app.errors import AlreadyExists, InvalidArgument
from app.settings import SettingsError
from app.settings_file import Organization


async def seed(tenancy: Tenancy, organizations: Sequence[Organization]) -> None:
    """Raises SettingsError for a name that cannot be one."""
    try:
        for organization in organizations:
            await _seed(tenancy, organization)
    except InvalidArgument as error:
        raise SettingsError(str(error), hint="take another name in spec.platform.organizations") from None


async def _seed(tenancy: Tenancy, organization: Organization) -> None:
    with contextlib.suppress(AlreadyExists):
        await tenancy.create_org(SYSTEM, organization.name)
    [org] = [one for one in tenancy.orgs(SYSTEM) if one.name == organization.name]
    actor = replace(SYSTEM, org=org.id)
    for project in organization.projects:
        with contextlib.suppress(AlreadyExists):
            await tenancy.create_project(actor, project.name)
        for environment in project.environments:
            with contextlib.suppress(AlreadyExists):
                await tenancy.create_environment(actor, environment, project=project.name)
