"""The command line: `main(argv, environment) -> exit code`. One file for each command."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from textwrap import indent

import typer

from funnel import __version__
from funnel.cli import (
    approve,
    build,
    contacts,
    demo,
    doctor,
    enroll,
    init,
    lint,
    mjml,
    new,
    plan,
    preview,
    push,
    report,
    run,
    send_test,
    stop,
)
from funnel.cli.call import EVERYWHERE, Call, Environment
from funnel.cli.spelling import Commands, Misuse, reworded
from funnel.errors import ExitCode, FunnelError

__all__ = ["Call", "Environment", "app", "main"]

HELP = """Drip email and lead funnels kept as files: write the series in Markdown, see what every person will get,
deliver it once. Nobody is mailed twice, wrongly or without consent."""

app = typer.Typer(
    name="funnel",
    help=HELP,
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo.demo,
    "init": init.init,
    "new": new.new,
    "build": build.build,
    "lint": lint.lint,
    "mjml": mjml.mjml,
    "preview": preview.preview,
    "approve": approve.approve,
    "plan": plan.plan,
    "push": push.push,
    "run": run.run,
    "stop": stop.stop,
    "resume": stop.resume,
    "enroll": enroll.enroll,
    "send-test": send_test.send_test,
    "report": report.report,
    "doctor": doctor.doctor,
}
for name, command in COMMANDS.items():
    app.command(name, epilog=EVERYWHERE)(command)
app.add_typer(contacts.app, name="contacts")

FLAGS = frozenset({"--json", "-q", "--quiet", "-v", "--verbose", "--version"})  #: may stand anywhere on the line


def _version(context: typer.Context, wanted: bool) -> None:
    if wanted:
        context.obj.say(f"funnel {__version__}")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    project: Path | None = typer.Option(
        None, "--project", metavar="DIR", help="The project [default: the nearest upward]."
    ),
    as_json: bool = typer.Option(False, "--json", help="Machine output on stdout, in a stable form."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Only results and errors."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Say more; a bug shows its trace."),
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", is_eager=True, callback=_version
    ),
) -> None:
    """Take the options that every command has."""
    call = context.obj
    call.project, call.as_json, call.quiet, call.verbose = project, as_json, quiet, verbose


def main(argv: Sequence[str], environment: Environment) -> ExitCode:
    """Run one command. Every outcome is an exit code; a bug is 3 and says where to report it."""
    call = Call(environment)
    try:
        with redirect_stdout(environment.stdout), redirect_stderr(environment.stderr):
            _run(hoist(argv), call)
            environment.stdout.flush()
    except typer.Exit as ended:
        return ExitCode(ended.exit_code)
    except FunnelError as error:
        return _explain(call, error)
    except (KeyboardInterrupt, typer.Abort):
        environment.stderr.write("stopped\n")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return ExitCode.OK  # the reader of our output has seen enough
    except OSError as error:
        return _explain(call, _machine(error))
    except Exception as error:  # noqa: BLE001 - the one place that turns a bug into an exit code
        return _explain(call, reworded(error)) if isinstance(error, Misuse) else _bug(call, error)
    finally:
        call.close()
    return ExitCode.OK


def _run(argv: list[str], call: Call) -> None:
    """Parse and call the command. Typer's own main() would swallow what we want to answer ourselves."""
    command = typer.main.get_command(app)
    with command.make_context("funnel", argv, obj=call) as context:
        command.invoke(context)


def hoist(argv: Sequence[str]) -> list[str]:
    """Move the global options in front of the command, so that they work on either side of its name."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in FLAGS or word.startswith("--project="):
            front.append(word)
        elif word == "--project":
            front += [word, *([following] if (following := next(words, None)) is not None else [])]
        else:
            rest.append(word)
    return [*front, *rest]


def _explain(call: Call, error: FunnelError) -> ExitCode:
    red = call.paint("error", "31", "1", stream=call.environment.stderr)
    problems = getattr(error, "problems", None) or (error,)
    for problem in problems:
        call.environment.stderr.write(f"{red}: {problem.message}\n")
        if problem.hint:
            call.environment.stderr.write(indent(problem.hint, " " * 7) + "\n")
    if call.verbose and error.exit_code is not ExitCode.USAGE:
        call.environment.stderr.write("".join(traceback.format_exception(error)))
    return error.exit_code


def _machine(error: OSError) -> FunnelError:
    """Say what this machine would not do: a full disk, a folder that may not be written."""
    words = error.strerror or str(error) or type(error).__name__
    return FunnelError(f"{error.filename}: {words}" if error.filename else words)


def _bug(call: Call, error: Exception) -> ExitCode:
    call.environment.stderr.write(f"funnel has a bug: {type(error).__name__}: {error}\n")
    if call.verbose:
        call.environment.stderr.write("".join(traceback.format_exception(error)))
    else:
        call.environment.stderr.write("       run it again with -v and send us what it prints\n")
    return ExitCode.BUG
