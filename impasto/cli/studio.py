"""`impasto studio`: everything in the browser."""

from __future__ import annotations

import importlib.util
import socket
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from impasto.cli import options as shared
from impasto.cli.console import print_note, print_path, set_quiet
from impasto.errors import OptionError
from impasto.installation import install_hint

if TYPE_CHECKING:
    from impasto.studio.settings import StudioSettings

__all__ = ["studio"]

PORT = 7700

_ACCESS = "Who may use it"


def studio(
    port: Annotated[
        int,
        shared.number("--port", int, 0, 65535, metavar="N", help="0 takes any that is free."),
    ] = PORT,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the browser.")
    ] = False,
    workers: Annotated[
        int | None,
        shared.number(
            "--workers",
            int,
            0,
            16,
            metavar="N",
            help="Workers that it starts itself: 1 for a queue on this machine, otherwise none.",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option("--host", metavar="ADDRESS", help="Listen here.", rich_help_panel=_ACCESS),
    ] = "127.0.0.1",
    hostname: Annotated[
        list[str] | None,
        typer.Option(
            "--hostname",
            metavar="NAME",
            help="A further name that browsers reach it by, such as that of a proxy.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    tls: Annotated[
        bool,
        typer.Option(
            "--tls", help="A proxy before it speaks TLS with browsers.", rich_help_panel=_ACCESS
        ),
    ] = False,
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help="Its users, each with a folder of pictures of their own.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    add_user: Annotated[
        str | None,
        typer.Option(
            "--add-user",
            metavar="NAME",
            help="Ask for a password and write it into --password-file, or change it; then end.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    queue: shared.QueueUrl = None,
    files: shared.Files = None,
    log: Annotated[
        bool,
        shared.output_option("--log", help="Write a line of JSON for each request."),
    ] = False,
    quiet: shared.Quiet = False,
) -> None:
    """Open the studio in the browser: everything without a command line.

    It is for this machine alone unless --host says otherwise. Ctrl-C ends it; jobs that wait or run
    are there again when it is.
    """
    set_quiet(quiet)
    if add_user is not None:
        _add_user(add_user, password_file)
        return
    _require()
    from impasto.jobs.queue.address import Address
    from impasto.jobs.queue.store import Store
    from impasto.studio.settings import LOOPBACK, StudioSettings

    if host.strip("[]") not in LOOPBACK and password_file is None:
        raise OptionError(
            f"--host {host} lets others in: name a --password-file, which --add-user NAME makes."
        )
    store = Store.open(files)
    address = Address.parse(queue, store)
    count = workers if workers is not None else int(address.file is not None)
    settings = StudioSettings(
        store=store,
        address=address,
        host=host,
        port=port,
        names=tuple(hostname or ()),
        password_file=password_file,
        is_secure=tls,
        workers=count,
    )
    if log:
        from impasto.studio.guard import log_requests

        log_requests()
    _serve(settings, has_browser=not no_browser)


def _require() -> None:
    """Check that the extra is installed.

    Raises:
        OptionError: it is not.
    """
    # Found, and not imported: serving begins before DBOS is loaded.
    for name in ("dbos", "fastapi", "python_multipart", "uvicorn", "websockets"):
        if importlib.util.find_spec(name) is None:
            raise OptionError(
                f"The studio needs {name}, which is not installed here. Install it with "
                f"`{install_hint('studio')}`."
            )


def _serve(settings: StudioSettings, *, has_browser: bool) -> None:
    import uvicorn

    from impasto.studio.app import create_app
    from impasto.studio.routes.live import LONGEST_MESSAGE

    listener = _listening(settings.host, settings.port)
    number = listener.getsockname()[1]
    host = settings.host.strip("[]")
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{number}/"
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
        ws_max_size=LONGEST_MESSAGE,
        ws_max_queue=4,
        ws_per_message_deflate=False,  # JPEG files are compressed already
    )
    server = uvicorn.Server(config)

    def announce() -> None:
        print_path(url)
        if has_browser:
            threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()

    _when_started(server, announce)
    server.run(sockets=[listener])
    if not server.started:
        raise typer.Exit(1)


def _when_started(server: Any, announce: Any) -> None:
    """Call a function once a server answers."""
    startup = server.startup

    async def started(*args: Any, **options: Any) -> None:
        await startup(*args, **options)
        if server.started:
            announce()

    server.startup = started


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OptionError: the port is taken, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
    except OSError as problem:
        listener.close()
        raise OptionError(
            f"--port {port} at {host} cannot be used: {problem.strerror or problem}. Is another "
            "studio there? Give another --port, or 0 for any."
        ) from problem
    return listener


def _add_user(name: str, file: Path | None) -> None:
    if file is None:
        raise OptionError("--add-user writes into --password-file: name that file too.")
    from impasto.studio.accounts import add_user

    password = typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True)
    add_user(file, name, password)
    print_note(f"{name} is in {file}")
