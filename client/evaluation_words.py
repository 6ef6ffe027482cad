"""The Dutch words of an evaluation: names of rows, what each table counts, and where its definition comes from."""

from collections.abc import Mapping

from signals.evaluation import FOLLOW_UP_DAYS, Fate, Outcome, TableName
from signals.monthly_table import Repetition
from signals.report import Category
from signals.wording import CATEGORIES

ROWS: Mapping[TableName, Mapping[str, str]] = {
    TableName.REPORTS: {category: CATEGORIES[category]["nl"] for category in Category},
    TableName.REPETITION: {
        Repetition.SINGLE: "enkelvoudig",
        Repetition.MULTIPLE: "meervoudig",
        Repetition.CONSECUTIVE: "opeenvolgend",
    },
    TableName.FATE: {
        Fate.TAKEN_UP: "opgepakt",
        Fate.NOT_YET: "nog niet opgepakt",
        Fate.KNOWN_CLIENT: "al bekend bij schuldhulp",
        Fate.DECEASED: "overleden",
        Fate.NOT_RESIDENT: "geen inwoner (meer)",
        Fate.REPEATED: "herhaalde melding",
        Fate.WRONGFUL: "onterecht signaal",
        Fate.OTHER_REASON: "andere reden",
    },
    TableName.CHANNEL: {
        "letter": "alleen brief of kaartje",
        "message": "e-mail, sms of app, niet gebeld of bezocht",
        "phone": "gebeld, geen huisbezoek",
        "visit": "huisbezoek, niet gebeld",
        "visit_and_phone": "gebeld en huisbezoek",
        "other": "op een andere manier",
        "none": "geen poging vastgelegd",
    },
    TableName.ATTEMPTS: {
        "0": "geen poging",
        "1-2": "een of twee pogingen",
        "3": "drie pogingen",
        "4+": "vier pogingen of meer",
    },
    TableName.FIRST_ATTEMPT: {
        "0-7": "binnen 7 dagen",
        "8-14": "na 8 tot en met 14 dagen",
        "15-28": "na 15 tot en met 28 dagen",
        "29+": "na meer dan 28 dagen",
        "none": "geen poging vastgelegd",
    },
    TableName.CONVERSATION: {
        "in_time": "op tijd",
        "late": "te laat",
        "none": "niet gevoerd of niet vastgelegd",
    },
    TableName.REACHED: {"reached": "bereikt", "not_reached": "niet bereikt"},
    TableName.LEAD_TIME: {
        "0": "meteen bij het eerste signaal",
        "1-30": "1 tot en met 30 dagen erna",
        "31-60": "31 tot en met 60 dagen erna",
        "61-90": "61 tot en met 90 dagen erna",
        "91+": "meer dan 90 dagen erna",
        "none": "nog geen spoedkenmerk",
    },
    TableName.FOLLOW_UP: {"reached": "bereikt", "missed": "niet bereikt"},
}
# Rows that are put together (signals/evaluation_shown.py), where their names one after the other would be hard to read.
TOGETHER: Mapping[str, str] = {
    "known_client|deceased|not_resident": "al bekend bij schuldhulp, overleden of geen inwoner",
    "not_yet|not_taken_up": "nog niet opgepakt, of andere reden",
    "not_yet|known_client|deceased|not_resident|repeated|wrongful|not_taken_up": "niet opgepakt, of nog niet",
    "message|other|none": "op een andere manier, of geen poging",
    "letter|message|other|none": "niet gebeld en niet bezocht",
    "phone|visit|visit_and_phone": "gebeld of bezocht",
    "0|1-2": "ten hoogste twee pogingen",
    "3|4+": "drie pogingen of meer",
    "15-28|29+|none": "later, of geen poging vastgelegd",
    "0-7|8-14": "binnen 14 dagen",
    "late|none": "te laat, of niet vastgelegd",
    "1-30|31-60": "1 tot en met 60 dagen erna",
    "61-90|91+": "meer dan 60 dagen erna",
    "1-30|31-60|61-90|91+": "na het eerste signaal",
}
OUTCOMES: Mapping[str, str] = {
    Outcome.NOT_REACHED: "Niet bereikt",
    Outcome.REACHED: "Bereikt, geen hulp",
    Outcome.HELPED: "Bereikt, met hulp",
    "all": "Aantal",
}
TITLES: Mapping[TableName, str] = {
    TableName.REPORTS: "Meldingen per soort achterstand",
    TableName.REPETITION: "Enkelvoudig, meervoudig en opeenvolgend",
    TableName.FATE: "Wat er met de signalen gebeurde",
    TableName.CHANNEL: "Bereik per manier van contact zoeken",
    TableName.ATTEMPTS: "Bereik per aantal pogingen",
    TableName.FIRST_ATTEMPT: "Tijd tot de eerste poging",
    TableName.CONVERSATION: "Eerste gesprek op tijd",
    TableName.REACHED: "Huishoudens bereikt",
    TableName.LEAD_TIME: "Spoed na het eerste signaal",
    TableName.FOLLOW_UP: "Nieuw signaal binnen zes maanden",
}
# What is counted, each thing once, and by whose definition.
NOTES: Mapping[TableName, str] = {
    TableName.REPORTS: (
        "Geteld: meldingen. Een melding is één achterstand van één schuldeiser in één maand. Soorten: partnerlijst van "
        "DDAS vroegsignalering v1.2."
    ),
    TableName.REPETITION: (
        "Geteld: signalen. Een signaal is één huishouden in één maand. Meervoudig: meer dan één schuldeiser in "
        "dezelfde maand. Opeenvolgend: ook een melding in de zes maanden ervoor. Enkelvoudig: geen van beide. Een "
        "signaal dat meervoudig én opeenvolgend is, telt hier als meervoudig. Definities: Divosa Monitor "
        "Vroegsignalering 2023."
    ),
    TableName.FATE: (
        "Geteld: signalen. Opgepakt: er is aan gewerkt. De redenen om niet op te pakken zijn die van DDAS "
        "vroegsignalering v1.2; staan er redenen samen op een regel, dan is een ervan te klein om apart te tonen."
    ),
    TableName.CHANNEL: (
        "Geteld: opgepakte zaken; één zaak kan over meer signalen gaan. Elke zaak staat op één regel. Bereikt: een "
        "poging slaagde, of de inwoner nam hulp aan. Met hulp: de inwoner ging op het aanbod in, of de zaak "
        "eindigde met advies, vervolghulp of verwijzing."
    ),
    TableName.ATTEMPTS: "Geteld: opgepakte zaken, elke poging telt mee. Bereikt en hulp: zoals in de vorige tabel.",
    TableName.FIRST_ATTEMPT: (
        "Geteld: opgepakte zaken, in kalenderdagen vanaf de dag waarop het eerste signaal van de zaak binnenkwam. De "
        "wet noemt geen termijn voor het aanbod; 14 en 28 dagen zijn de norm die Amsterdam publiceert."
    ),
    TableName.CONVERSATION: (
        "Geteld: opgepakte zaken waarin hulp is aangenomen. Op tijd: binnen vier weken nadat de inwoner het aanbod "
        "aannam, of binnen drie werkdagen als er iets dreigde (Wgs artikel 4)."
    ),
    TableName.REACHED: "Geteld: huishoudens, elk één keer. Bereikt: in ten minste één opgepakte zaak.",
    TableName.LEAD_TIME: (
        "Geteld: huishoudens, elk één keer. Spoedkenmerk: ontruiming of afsluiting aangekondigd, of zorgverzekering "
        "beëindigd. Dagen tussen het eerste signaal in de pilot en het eerste signaal met zo’n kenmerk. Eigen "
        "definitie: de landelijke monitor kent deze tabel niet."
    ),
    TableName.FOLLOW_UP: (
        "Geteld: huishoudens van wie de eerste opgepakte zaak is afgesloten, elk één keer. Weer een signaal: binnen "
        f"{FOLLOW_UP_DAYS} dagen na het afsluiten. Wie dat halve jaar nog niet vol heeft, telt niet mee. Eigen "
        "definitie; de zes maanden zijn die van ‘opeenvolgend’."
    ),
}
CAUTION = (
    "Lees het verschil in deze tabel niet als het effect van het contact. Wie bereikt wordt, verschilt vaak ook in "
    "andere dingen van wie niet bereikt wordt: de gemeente belt en bezoekt eerder bij zware zaken, en wie zelf al "
    "aan een oplossing werkt, neemt eerder op. Een nieuw signaal kan ook goed zijn: de schuldeiser meldt op tijd. "
    "Wat contact zelf uithaalt, laat alleen een proef zien waarin het lot bepaalt wie er meer pogingen krijgt."
)
LEAD_CAUTION = (
    "Een huishouden zonder spoedkenmerk is niet vanzelf geholpen: het kan er later nog een krijgen, en een schuldeiser "
    "meldt niet elke ontruiming of afsluiting."
)
READING = (
    "Aantallen onder de 10, ook nul, staan er als <10. Andere zijn afgerond op vijftallen. Zo is niemand te herkennen.",
    "Een totaal is opgeteld uit wat er staat. Het ligt daarom tussen twee getallen.",
    "Percentages zijn berekend uit de afgeronde aantallen. Een streepje (–) betekent: te weinig voor een percentage.",
    "Staan er regels samen of ontbreekt een tabel, dan zou die samen met de andere tabellen een klein aantal verraden.",
    "Landelijke cijfers: Divosa Monitor Vroegsignalering, jaarrapportages 2023 en 2024.",
    "Gemeenten kiezen zwaardere middelen voor zwaardere zaken: verschillen per middel zijn geen effecten ervan.",
)
