"""The Dutch words of a letter to a resident, in plain language (B1)."""

from signals.cases import ContactKind, Result
from signals.consents import LinkReason
from signals.rights import ErasureGround, IdentityCheck, StatedFact

IDENTITY = {
    IdentityCheck.DOCUMENT_SHOWN: "U liet uw identiteitsbewijs zien. Wij hebben er geen kopie van gemaakt.",
    IdentityCheck.DIGID: "U hebt ingelogd met DigiD.",
    IdentityCheck.KNOWN_ADDRESS: "Wij stuurden een code naar uw adres in de basisregistratie. U gaf ons die code.",
    IdentityCheck.MANDATE: "Iemand vroeg dit namens u, en liet uw machtiging en een eigen identiteitsbewijs zien.",
}
GROUND = {
    ErasureGround.NOT_NEEDED: "wij de gegevens niet meer nodig hebben (AVG artikel 17 lid 1 onder a)",
    ErasureGround.CONSENT_WITHDRAWN: "u uw toestemming hebt ingetrokken (AVG artikel 17 lid 1 onder b)",
    ErasureGround.OBJECTION: "u bezwaar hebt gemaakt (AVG artikel 17 lid 1 onder c)",
    ErasureGround.UNLAWFUL: "wij de gegevens niet hadden mogen hebben (AVG artikel 17 lid 1 onder d)",
    ErasureGround.LEGAL_DUTY: "de wet zegt dat wij ze moeten wissen (AVG artikel 17 lid 1 onder e)",
}
WRONG = {
    StatedFact.AMOUNT: "het bedrag",
    StatedFact.MONTHS: "het aantal maanden",
    StatedFact.ARREARS_SINCE: "de dag waarop de achterstand begon",
    StatedFact.SOCIAL_COLLECTION: "wat de schuldeiser vooraf heeft gedaan",
    StatedFact.URGENT: "dat er spoed is",
    StatedFact.DETAILS: "uw naam, adres of andere gegevens",
    StatedFact.NOT_MINE: "dat het contract van u is",
    StatedFact.PAID: "dat het nog niet is betaald",
}
ROLE = {"debt-help": "medewerker schuldhulp", "privacy-officer": "privacyfunctionaris"}
LEVEL = {
    "none": "geen gegevens over u",
    "index": "dat er een signaal is",
    "categories": "ook de soort achterstand",
    "facts": "ook bedragen en maanden, zonder uw naam",
    "contact": "ook uw naam en contactgegevens",
}
BASIS = {
    "statutory": "De wet zegt dat de schuldeiser dit aan de gemeente mag of moet melden",
    "experiment": "Dit is een proef die in een regeling staat",
    "consent": "U gaf toestemming",
}
DETAILS = {
    "name": "naam", "first_name": "voornaam", "initials": "voorletters", "prefix": "tussenvoegsel",
    "surname": "achternaam", "birth_date": "geboortedatum", "address": "adres", "street": "straat",
    "house_number": "huisnummer", "letter": "huisletter", "addition": "toevoeging", "postcode": "postcode",
    "town": "woonplaats", "phone": "telefoon", "email": "e-mail", "contract": "kenmerk",
}  # fmt: skip
SAID = {
    "refusal": "U zei nee tegen het melden van {about}.",
    "withdrawal": "U trok uw toestemming in voor {about}.",
    "objection": "U maakte bezwaar ({about}).",
    "rectification": "U vroeg ons een melding te laten verbeteren ({about}).",
    "erasure": "Wij hebben uw gegevens gewist ({about}).",
}
REACHED = {
    ContactKind.ADMINISTRATIVE: "administratief",
    ContactKind.APPOINTMENT: "op een afspraak",
    ContactKind.LETTER: "met een brief",
    ContactKind.HOME_VISIT: "bij u thuis",
    ContactKind.CARD: "met een kaart",
    ContactKind.EMAIL: "per e-mail",
    ContactKind.UNKNOWN: "op een manier die niet is opgeschreven",
    ContactKind.OTHER: "op een andere manier",
    ContactKind.MESSAGE: "met een sms of appje",
    ContactKind.PHONE: "telefonisch",
}
RESULT = {
    Result.ADVICE: "u kreeg advies of een snelle oplossing",
    Result.NO_CONTACT: "het lukte niet om u te spreken",
    Result.NO_REACTION: "u reageerde niet meer",
    Result.KNOWN_CLIENT: "u kreeg al hulp van ons",
    Result.OTHER_HELPER: "u kreeg al hulp van een ander",
    Result.ALREADY_PAID: "er was al betaald of een regeling getroffen",
    Result.DECEASED: "overleden",
    Result.MANAGES_ALONE: "u lost het zelf op",
    Result.NOT_TAKEN_UP: "niet in behandeling genomen",
    Result.REPEATED: "het was eerder gemeld",
    Result.WRONGFUL: "de melding klopte niet",
    Result.NOT_RESIDENT: "u woont niet in onze gemeente",
    Result.FOLLOW_UP: "u kreeg verdere hulp",
    Result.FOLLOW_UP_FINANCIAL: "u kreeg verdere hulp met geld",
    Result.FOLLOW_UP_OTHER: "u kreeg verdere hulp bij iets anders",
    Result.REFERRED_WITHOUT_RESIDENT: "wij gaven het door aan een ander zonder u te spreken",
}
LINKED = {
    "one": "besloot een medewerker dat meldingen over één persoon gaan, en dat u dat bent",
    "apart": "besloot een medewerker dat meldingen over u niet over dezelfde persoon gaan als die over iemand anders",
}
LINK_REASON = {
    LinkReason.DETAILS_AGREE: "de gegevens bij elkaar passen",
    LinkReason.TYPING_ERROR: "in een van de meldingen een tikfout staat",
    LinkReason.MOVED: "er een verhuizing tussen zit",
    LinkReason.HOUSEMATES: "het huisgenoten of familieleden zijn",
    LinkReason.NAMESAKES: "het naamgenoten zijn",
    LinkReason.RESIDENT_SAID: "een van hen dat zelf vertelde",
    LinkReason.CREDITOR_SAID: "de schuldeiser dat vertelde",
    LinkReason.OTHER: "dat uit de gegevens bleek",
}
STATE = {
    "pending": "Wij moeten daar nog over beslissen. Tot dan gebruiken wij de meldingen niet.",
    "stands": (
        "De meldingen zijn gewist. Wij bewaren alleen koppelsleutels: codes zonder naam, waarmee wij zien dat een "
        "melding van u niet opnieuw mag meetellen."
    ),
    "dismissed": "Wij hebben dat afgewezen.",
}
FROM_CREDITORS = (
    "Uw schuldeisers zien alleen dat hun levering is aangekomen en hoeveel regels erin stonden. Zij zien niet wat "
    "andere schuldeisers melden. Zij zien ook niet wat wij met een melding doen, of wat u ons hebt gezegd."
)
OPENING = (
    "U vroeg ons wat er over u is vastgelegd voor vroegsignalering. Dat is hulp aanbieden als iemand achterloopt met "
    "vaste lasten. In deze brief staat alles wat wij over u vonden (AVG artikel 15)."
)
TASK = (
    "De gemeente heeft de wettelijke taak om hulp aan te bieden als een schuldeiser een achterstand meldt (Wet "
    "gemeentelijke schuldhulpverlening, artikel 3; AVG artikel 6 lid 1 onder e)."
)
NO_MACHINE_DECIDES = (
    "Een computerprogramma zet meldingen met vaste regels bij elkaar tot een signaal. Het beslist niets over u: wat er "
    "met een signaal gebeurt, bepaalt een medewerker."
)
OF_OTHERS = (
    "Dit signaal gaat over uw huishouden. Er hoort ook een melding bij die niet over u gaat. Over iemand anders "
    "vertellen wij u niets (AVG artikel 15 lid 4)."
)
LOGGED = "Iedere keer dat iemand kijkt, komt in een logboek. Wij noemen de functie, niet de naam van de medewerker."
# What an erasure leaves, and why; with the terms of the pilot in it.
STAYS = (
    (
        "Koppelsleutels: codes zonder naam. Zonder deze codes zou een nieuwe melding van uw schuldeiser volgende maand "
        "weer meetellen. Uw naam, adres en bedragen staan er niet in."
    ),
    (
        "Het logboek van wie er keek, {log_days} dagen lang. Daarmee kunnen wij verantwoorden wie uw gegevens zag. Er "
        "staan nummers in, geen namen of bedragen."
    ),
    (
        "Het nummer van elke gewiste melding, zolang een melding anders zou blijven ({report_days} dagen), zodat "
        "niemand denkt dat zij is zoekgeraakt."
    ),
    "Het ontvangstbewijs van uw schuldeiser, {delivery_days} dagen lang: hoeveel hij meldde en wanneer, niet wie.",
    "De eigen administratie van uw schuldeiser. Daar gaan wij niet over: vraag het hem zelf.",
    "Reservekopieën, tot die worden overschreven. Wij zetten er niets uit terug zonder het opnieuw te wissen.",
)
YOU_CAN = (
    (
        "Klopt iets niet? Vraag ons om het te laten verbeteren. De schuldeiser moet het dan nakijken. Zo lang "
        "gebruiken wij die melding niet."
    ),
    (
        "Wilt u niet dat uw achterstanden worden gemeld? Maak bezwaar. Wij gebruiken uw meldingen dan niet tot wij "
        "hebben beslist. Gaf u toestemming? Die kunt u altijd intrekken."
    ),
    "Wilt u dat wij uw gegevens wissen? Vraag erom. Wij zeggen u wat wij wissen en wat moet blijven.",
    (
        "Bent u het niet met ons eens? U kunt een klacht indienen bij de Autoriteit Persoonsgegevens "
        "(autoriteitpersoonsgegevens.nl) of naar de rechter gaan."
    ),
)
