"""Commands of the operator's room: `fleet` keeps the repository that devices are updated from."""

from __future__ import annotations

import click

from deploy.fleet import repository_commands, rollout_commands


@click.group()
def fleet() -> None:
    """Ship signed bundles to a fleet: first to a few devices, then to all.

    The repository is a folder of static files; serve it with any web server, or copy it to a USB stick.
    Keys of roots and bundles belong in a safe, on sticks of their own; only the online key signs often.
    """


for _command in (
    repository_commands.init,
    repository_commands.keys,
    repository_commands.publish_bundle,
    repository_commands.sign,
    repository_commands.copy,
    rollout_commands.rollout,
    rollout_commands.promote,
    rollout_commands.halt,
    rollout_commands.status,
    repository_commands.show,
):
    fleet.add_command(_command)
