"""The front door: the `loamscan` command. A room is imported only when one of its commands is called."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click

from soil.errors import LoamscanError

_COMMANDS: Final = {
    "demo": ("edge.commands", "Show the whole line on this machine: scanner, daemon, broker."),
    "run": ("edge.commands", "Run the daemon: scanner in, readings out."),
    "predict": ("edge.commands", "Predict the nine properties of the spectra in a file."),
    "log": ("edge.commands", "Show the newest readings in a record log."),
    "listen": ("edge.commands", "Show readings as they come from a broker."),
    "bundle": ("edge.commands", "Look into model bundles: inspect, diff, verify."),
    "engine": ("edge.engines.commands", "Choose what runs a bundle on this device."),
    "update": ("edge.updates.commands", "Take bundles that a fleet's operator signed."),
    "scan": ("firmware_bridge.commands", "Take scans from a scanner."),
    "scanner": ("firmware_bridge.commands", "Find scanners, and see how one is."),
    "simulate": ("firmware_bridge.commands", "Play a scanner on a pseudo-terminal."),
    "schema": ("contract.commands", "Print the JSON Schema of a message or manifest."),
    "reasons": ("contract.commands", "Print every reason code and what it means."),
    "soils": ("training.commands", "Make a file of synthetic soil spectra."),
    "library": ("training.libraries.commands", "Check and convert spectral libraries."),
    "train": ("training.commands", "Train the three stages into a checkpoint."),
    "evaluate": ("training.evaluation.commands", "Test a checkpoint on soils it has not seen."),
    "export": ("export.commands", "Pack a checkpoint into a model bundle."),
    "fleet": ("deploy.commands", "Ship signed bundles: to a few devices first, then to all."),
}

_FUNCTIONS: Final = {"log": "show_log"}
_EXTRAS: Final = {
    "training": "train",
    "export": "export",
    "deploy": "fleet",
    "edge.updates": "updates",
}


class _Rooms(click.Group):
    """Knows every command by name and the first line of its help, without importing it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = _COMMANDS[cmd_name][0]
        name = _FUNCTIONS.get(cmd_name, cmd_name)
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in _COMMANDS.items()])


@click.group(cls=_Rooms)
@click.version_option(package_name="loamscan")
def loamscan() -> None:
    """Turn a handheld NIR soil scanner into a field laboratory."""


def main() -> None:
    """Run the command line; an error a user can act on is one message and a non-zero exit."""
    try:
        loamscan.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LoamscanError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_status)
    except ModuleNotFoundError as error:
        room = sys.argv[1] if len(sys.argv) > 1 else ""
        module = _COMMANDS.get(room, ("",))[0].removesuffix(".commands")
        extra = _EXTRAS.get(module) or _EXTRAS.get(module.partition(".")[0])
        if extra is None:
            raise
        click.echo(
            f"Error: `loamscan {room}` needs {error.name}; pip install 'loamscan[{extra}]'",
            err=True,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
