"""`vroegsein desk break-glass`: say why, and look under a purpose for emergencies for a while."""

from typing import Annotated

import typer
from rich.prompt import Prompt

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console, errors
from client.break_glass import break_the_glass
from client.desk_pilot import own_document
from client.desk_work import desk_service
from client.home import Home
from client.words import either, moment
from signals.pilot import Role


def break_glass(
    reason: Annotated[str | None, typer.Option(help="Why, in 10 to 500 characters; else it is asked")] = None,
    purpose: Annotated[str | None, typer.Option(help="Which purpose, where the pilot has several for this")] = None,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Break the glass: look in an emergency, for a while. The privacy officer sees it at once, with the reason.

    Leave --reason out to be asked for it: what is typed on a command line may stay in the shell's history.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), "worklist") as service:
        purposes = own_document(place, service, pilot).pilot.purposes
    known = [name for name, one in purposes.items() if one.break_glass and Role.DEBT_HELP in one.roles]
    if purpose not in known and (purpose is not None or len(known) != 1):
        raise typer.BadParameter(
            f"say which purpose ({', '.join(known) or 'this pilot has none'})", param_hint="--purpose"
        )
    purpose = purpose or known[0]
    question = either(lang, "Waarom? (de privacy officer leest dit)", "Why? (the privacy officer reads this)")
    why = reason or Prompt.ask(question, console=errors)
    with desk_service(place, Role.DEBT_HELP, user_of(user), purpose) as service:
        until = moment(break_the_glass(service, pilot, why), lang)
    console.print(
        either(
            lang,
            f"Tot {until} kunt u in nood inzien: vroegsein desk show SIGNAAL --purpose {purpose}\n"
            "Het staat met uw reden in het inzageregister, en elke inzage ook.",
            f"Until {until} you may look in an emergency: vroegsein desk show SIGNAL --purpose {purpose}\n"
            "It stands in the access log with your reason, and so does each look.",
        ),
        markup=False,
        soft_wrap=True,
    )
