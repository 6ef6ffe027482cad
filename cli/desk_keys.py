"""The desk's commands about keys: its own is replaced or lost, a creditor leaves or lost its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.desk_options import DEFAULT_HOME, HomeOption, PilotOption, UserOption, pilot_of, user_of
from cli.words import LangOption, console, errors, progress
from client import desk_pilot, rekeying, resealing
from client.desk_basis import today
from client.desk_work import desk_service
from client.home import Home, read_recovery
from client.service import Service
from client.words import Lang, either
from privacy.pilot_document import PilotDocument
from signals.pilot import Role

RekeyPurposeOption = Annotated[str, typer.Option("--purpose", help="Your pilot's word for it; it goes into the log")]
PurposeOption = Annotated[str, typer.Option(help="Your pilots' word for it; it goes into the log")]


def rotate_recipient(
    home: HomeOption = DEFAULT_HOME,
    purpose: PurposeOption = "keep-keys",
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Replace the key that opens what is sealed to you, in all your pilots. Broken off, run it again.

    Exit code: 0 done, the old key is gone; 1 something does not open with the new key, the old one is kept.
    """
    place = Home(home)
    resealing.begin_rotation(place)
    _seal_all_anew(place, [place.secret(resealing.OLD)], purpose, user, lang)
    resealing.end_rotation(place)
    done = (
        "De oude sleutel is weg; alles gaat open met de nieuwe.",
        "The old key is gone; the new one opens everything.",
    )
    console.print(either(lang, *done), markup=False)


def recover(
    recovery: Annotated[Path, typer.Option(help="File with the recovery key")],
    home: HomeOption = DEFAULT_HOME,
    purpose: PurposeOption = "keep-keys",
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Make a new key where the old one is lost, and seal everything to it by the recovery key. Safe to repeat.

    Exit code: 0 done; 1 something does not open with the new key.
    """
    place, private = Home(home), read_recovery(recovery)
    resealing.begin_recovery(place, private)
    _seal_all_anew(place, [private], purpose, user, lang)
    console.print(
        either(
            lang,
            "Alles gaat open met de nieuwe sleutel. Leg de herstelsleutel terug in de kluis.",
            "The new key opens everything. Put the recovery key back into the safe.",
        ),
        markup=False,
    )


def expel(
    creditor: Annotated[str, typer.Argument(help="The creditor's short name")],
    compromised: Annotated[
        bool, typer.Option("--compromised", help="Somebody else may have had its keys: mark what it sent")
    ] = False,
    pilot: PilotOption = None,
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Sign a pilot document without a creditor's keys: the service takes up nothing more of it. Safe to repeat."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), "worklist") as service:
        document = desk_pilot.expel(place, service, pilot, creditor, today(), compromised=compromised)
    console.print(
        either(
            lang,
            f"Versie {document.version} is getekend, zonder {creditor}. Laat de beheerder de sleutels intrekken:\n"
            f"  vroegsein operator revoke {creditor}\n"
            "De pilotsleutel heeft deze schuldeiser nog: vroegsein desk new-epoch maakt een andere.",
            f"Version {document.version} is signed, without {creditor}. Ask the operator to revoke its keys:\n"
            f"  vroegsein operator revoke {creditor}\n"
            "It still has the pilot key: vroegsein desk new-epoch makes another.",
        ),
        markup=False,
    )


def new_epoch(
    pilot: PilotOption = None,
    purpose: RekeyPurposeOption = "rekey",
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Make a new pilot key and give everything that stands match keys under it. Broken off, run `desk rekey`.

    Creditors get the new key with their next command; what they send under the old one is refused.
    Exit code: 0 done, 1 not everything could be done: nothing stands under the new key yet.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), purpose) as service:
        document = rekeying.begin_epoch(place, service, desk_pilot.own_document(place, service, pilot))
        _rekey(place, service, document, lang)


def rekey(
    shut_out: Annotated[
        bool, typer.Option("--shut-out", help="Reports that do not open are to go, for good: you looked at why")
    ] = False,
    pilot: PilotOption = None,
    purpose: RekeyPurposeOption = "rekey",
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Go on with a new pilot key where `desk new-epoch` broke off. Safe to repeat. Exit code as there."""
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), purpose) as service:
        _rekey(place, service, desk_pilot.own_document(place, service, pilot), lang, shut_out=shut_out)


def key(
    shut_out: Annotated[
        bool, typer.Option("--shut-out", help="Reports that do not open are to go, for good: you looked at why")
    ] = False,
    pilot: PilotOption = None,
    purpose: RekeyPurposeOption = "rekey",
    home: HomeOption = DEFAULT_HOME,
    user: UserOption = None,
    lang: LangOption = "nl",
) -> None:
    """Make the match keys of reports that came without: creditors that get no pilot key, households that moved here.

    They are opened for it, and join the other reports if what residents said allows it. Safe to repeat.
    Exit code: 0 done, 1 some do not open (listed) or wait.
    """
    place, pilot = Home(home), pilot_of(Home(home), pilot)
    with desk_service(place, Role.DEBT_HELP, user_of(user), purpose) as service, progress() as bar:
        task = bar.add_task(pilot, total=None)
        document = desk_pilot.own_document(place, service, pilot)
        done = rekeying.key(place, service, document, lambda new: bar.advance(task, new), shut_out=shut_out)
    _name_closed(done.unopened, lang)
    said = (f"{done.reports} meldingen hebben koppelsleutels.", f"{done.reports} reports have match keys.")
    if done.outcome != "keyed":
        waits = ("De dienst is nog bezig: haal straks de werklijst op.", "The service is still busy: pull later.")
        said = (f"{said[0]} {waits[0]}", f"{said[1]} {waits[1]}")
    console.print(either(lang, *said), markup=False)
    if (done.unopened and not shut_out) or done.outcome != "keyed":
        raise typer.Exit(1)


def _name_closed(reports: Sequence[str], lang: Lang) -> None:
    for report in reports:
        said = (f"✗ melding {report} gaat niet open", f"✗ report {report} does not open")
        errors.print(either(lang, *said), markup=False)


def _rekey(home: Home, service: Service, document: PilotDocument, lang: Lang, *, shut_out: bool = False) -> None:
    with progress() as bar:
        task = bar.add_task(document.pilot.id, total=None)
        done = rekeying.rekey(home, service, document, lambda new: bar.advance(task, new), shut_out=shut_out)
    _name_closed(done.unopened, lang)
    for node in done.closed:
        errors.print(either(lang, f"✗ {node} gaat niet open", f"✗ {node} does not open"), markup=False)
    if done.outcome != "re-keyed":
        said = (
            "De oude sleutels staan er nog. Zoek uit waarom, en daarna: vroegsein desk rekey [--shut-out]",
            "The old keys still stand. Find out why, and then: vroegsein desk rekey [--shut-out]",
        )
        errors.print(either(lang, *said), markup=False)
        raise typer.Exit(1)
    rekeying.forget_others(home, document)
    what_nl = "toestemmingen, bezwaren en vermeldingen op de uitsluitlijst"
    what_en = "consents, objections and entries of the knock-out list"
    said = (
        f"{done.reports} meldingen en {done.nodes} {what_nl} staan onder sleutel {document.epoch}.",
        f"{done.reports} reports and {done.nodes} {what_en} stand under key {document.epoch}.",
    )
    console.print(either(lang, *said), markup=False)


def _seal_all_anew(home: Home, olds: Sequence[bytes], purpose: str, user: str | None, lang: Lang) -> None:
    """In each pilot of this desk; ends the command where something stays behind."""
    left = 0
    for pilot in home.settings.pilots:
        with desk_service(home, Role.DEBT_HELP, user_of(user), purpose) as service, progress() as bar:
            task = bar.add_task(pilot, total=None)
            done = resealing.reseal(home, service, pilot, olds, lambda new, task=task: bar.advance(task, new))  # type: ignore[misc]  # mypy has no type for such a default
        left += len(done.left)
        said = (
            f"{pilot}: {done.renewed} van {done.found} opnieuw verzegeld.",
            f"{pilot}: {done.renewed} of {done.found}.",
        )
        console.print(either(lang, *said), markup=False)
        for sealing in done.left:
            errors.print(f"✗ {pilot}: {sealing}", markup=False)
    if left:
        said = (
            f"{left} gaan niet open met de nieuwe sleutel. De oude blijft bewaard: vraag de beheerder waarom.",
            f"The new key does not open {left}. The old one is kept: ask the operator why.",
        )
        errors.print(either(lang, *said), markup=False)
        raise typer.Exit(1)
