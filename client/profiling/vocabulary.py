"""How columns of arrears exports are called: the words for each place of a profile, with what the cells must look like.

Words are column keys (letters and digits, lower case). They are the field's own: what ledgers of landlords, insurers
and utilities use, in Dutch and English; no creditor's or town's name belongs here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from client.profiling.contents import Column


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a profile: words that name it outright, parts of words, parts that rule it out, and its cells."""

    nl: str
    en: str
    words: frozenset[str]
    parts: tuple[str, ...]
    never: tuple[str, ...]
    looks: Callable[[Column], float]
    tells: bool = False  # whether the cells alone are enough to propose it


def _place(
    label: str, words: str, parts: str, never: str, looks: Callable[[Column], float], *, tells: bool = False
) -> Place:
    nl, en = label.split("|")
    return Place(nl, en, frozenset(words.split()), tuple(parts.split()), tuple(never.split()), looks, tells)


PLACES: Mapping[str, Place] = {
    "columns.reference": _place(
        "klant- of contractnummer|customer or contract number",
        "klant klantnr klantnummer klantid klantcode debiteur debiteurnr debiteurnummer debnr huurdernr huurdernummer "
        "huurdersnummer huurdersnr relatie relatienr relatienummer contract contractnr contractnummer contractid polis "
        "polisnr polisnummer dossier dossiernr dossiernummer verzekerdenr verzekerdenummer overeenkomst overeenkomstnr "
        "overeenkomstnummer account accountnr accountnummer accountid customer customerid customerno customernumber "
        "reference referentie kenmerk referentienummer nummer id huurovereenkomst huurcontract leveringscontract "
        "aansluitnummer aansluiting ref dossierid verbruikersnummer verbruikernr verbruikernummer abonneenummer nr "
        "policynumber policynr policyno policyid polisid "
        "clientnr clientnummer clientid lidnummer lidnr "
        "zaaknummer zaaknr leveringsnummer leveringnr huurderid debiteurid relatieid customernr contractno "
        "accountno accountnumber tenantid",
        "klantn klantid debiteurn huurdern huurdersn relatien contractn contractid polisn dossiern overeenkomstn "
        "verzekerden customern accountn",
        "ean datum naam telefoon bsn postcode huisn bank iban factuurn vhe object",
        lambda c: c.reference,
    ),
    "columns.name": _place(
        "naam|name",
        "naam contractant huurder hoofdhuurder huurdernaam klantnaam debiteurnaam relatienaam verzekerde "
        "naamverzekerde verzekeringnemer naamhuurder naamklant naamdebiteur naamrelatie volledigenaam "
        "tenaamstelling tnv bewoner naambewoner name fullname customername afnemer contracthouder geadresseerde klant "
        "debiteur relatie tenant customer verbruiker client clientnaam contractpartij aanspreeknaam "
        "policyholder insured",
        "naam name contractant tenaamstelling",
        "straat plaats voornaam roepnaam gebruiker bestand partnernaam town street first achternaam familienaam "
        "geslachtsnaam surname lastname",
        lambda c: max(c.whole_name, c.wordy * 0.8),
    ),
    "columns.surname": _place(
        "achternaam|surname",
        "achternaam familienaam geslachtsnaam surname lastname familyname achternm",
        "achternaam familienaam geslachtsnaam surname lastname",
        "voor tussen partner",
        lambda c: c.wordy,
    ),
    "columns.prefix": _place(
        "tussenvoegsel|name prefix",
        "voorvoegsel voorvoegsels tussenvoegsel tussenvoegsels tussenv voorv prefix infix tussenvgs vvgsl",
        "voorvoegs tussenv",
        "",
        lambda c: c.infix,
    ),
    "columns.initials": _place(
        "voorletters|initials",
        "voorletters voorletter vltrs vl initialen initials voorl vrl",
        "voorletter initia",
        "",
        lambda c: c.initials,
    ),
    "columns.first_name": _place(
        "voornaam|first name",
        "voornaam voornamen roepnaam firstname givenname givennames forename",
        "voornaam roepnaam firstname givenname",
        "",
        lambda c: c.wordy,
    ),
    "columns.birth_date": _place(
        "geboortedatum|date of birth",
        "geboortedatum gebdatum gebdat geboren geb gebdtm geboortedat gebdt birthdate dateofbirth dob birthday "
        "geboortedag gdat",
        "geboort gebdat birth",
        "plaats land partner",
        lambda c: max(
            c.born * (1.0 if len({d.year for d in c.dates}) > 5 else 0.6),
            0.9 * c.day_numbers(1900, 2012) if any(part in c.path_key for part in ("geb", "birth", "dob")) else 0.0,
        ),
        tells=True,
    ),
    "columns.address": _place(
        "heel adres|whole address",
        "adres leveringsadres woonadres verbruiksadres objectadres adresregel adresregel1 straatenhuisnummer address "
        "straathuisnummer straatenhuisnr contactadres aansluitadres adreswoning vheadres huuradres",
        "adres address",
        "email mail postadres",
        lambda c: c.address,
        tells=True,
    ),
    "columns.street": _place(
        "straat|street",
        "straat straatnaam straatnm str street streetname openbareruimte woonstraat",
        "straat street",
        "huisn",
        lambda c: c.wordy,
    ),
    "columns.house_number": _place(
        "huisnummer|house number",
        "huisnummer huisnr nr hnr huisno housenumber houseno housenr number hsnr huisn no "
        "adresnummer adresnr addressnumber",
        "huisnummer huisnr housen",
        "letter straat ltr",
        lambda c: c.house_number * (1.0 if c.distinct < 0.9 or len(c.cells) < 40 else 0.5),
    ),
    "columns.letter": _place(
        "huisletter|house letter",
        "huisletter huisltr hltr hsltr letter houseletter",
        "huisletter huisltr",
        "",
        lambda c: c.one_letter,
    ),
    "columns.addition": _place(
        "toevoeging|addition",
        "toevoeging toev toevoegsel huisnrtoev huisnrtoevoeging huisnummertoevoeging hnrtoev hnrtoevoeging addition "
        "suffix htoev toevoegingen huistoevoeging",
        "toev addition",
        "",
        lambda c: c.short * (0.2 if c.filled > 0.9 and c.house_number > 0.8 else 1.0),  # most homes have none
    ),
    "columns.postcode": _place(
        "postcode|postcode",
        "postcode pc pcode postc zip zipcode postalcode pstcd",
        "postcode postalc zipcode",
        "",
        lambda c: c.postcode,
        tells=True,
    ),
    "columns.town": _place(
        "woonplaats|town",
        "plaats woonplaats plaatsnaam stad gemeente town city wpl residence plts",
        "plaats",
        "geboort",
        lambda c: c.wordy * (1.0 if c.distinct < 0.3 or len(c.cells) < 10 else 0.5),
    ),
    "columns.phone": _place(
        "telefoon|telephone",
        "telefoon telefoonnummer telefoonnr tel telnr mobiel mobielnummer mobielnr mobieltelefoon gsm phone mobile "
        "phonenumber telefoonmobiel telefoonprive 06 06nummer",
        "telefo mobiel phone mobile telnr",
        "",
        lambda c: c.phone,
        tells=True,
    ),
    "columns.email": _place(
        "e-mail|e-mail",
        "email emailadres mail mailadres emailaddress",
        "email mail",
        "datum verstuurd",
        lambda c: c.email,
        tells=True,
    ),
    "amount.column": _place(
        "bedrag|amount",
        "bedrag openstaand openstaandbedrag saldo saldoachterstand achterstand schuld hoofdsom vordering restant "
        "restantbedrag teinnen debet bedragopen openbedrag premieachterstand huurachterstand amount balance "
        "outstanding openstaandsaldo totaalopenstaand totaalbedrag achterstandbedrag "
        "bedragachterstand schuldbedrag hoofdsomopen arrears amountdue totaalachterstand openpost "
        "openstaandeposten verschuldigd nogopen tebetalen nogtebetalen tevorderen tevoldoen achterstallig "
        "amountoutstanding due totaldue arrearsamount openstaandevordering",
        "bedrag saldo schuld openstaand achterstand amount balance outstanding vordering achterstallig tebetalen cent",
        "datum maand mnd aantal termijn sinds vanaf maandbedrag maandhuur oudste factuurnr regeling since months "
        "kosten rente betaald incassokosten percent",
        lambda c: c.amount * (0.4 if c.reference > 0.95 and not c.fraction and "cent" not in c.key else 1.0),
    ),
    "months.column": _place(
        "aantal maanden|number of months",
        "maanden mnd maand aantalmaanden mndachterstand maandenachterstand termijnen aantaltermijnen facturen "
        "aantalfacturen months terms invoices maandenopen aantalmnd aantalmaandenachterstand openstaandetermijnen "
        "opentermijnen openfacturen aantalopenfacturen monthsinarrears nmaanden achterstandmaanden nota notas "
        "aantalnotas opennotas periodes perioden aantalperiodes aantalperioden mndachter "
        "termijnenopen notasopen unpaidmonths",
        "maanden mnd termijn factur notas period months invoices aantalmaand maandachter",
        "bedrag huur datum prijs nummer oudste regeling amount date",
        lambda c: c.small_count,
    ),
    "months.due_date": _place(
        "oudste vervaldatum|oldest due date",
        "vervaldatum oudstevervaldatum sinds vanaf achterstandsinds oudstefactuur oudstefactuurdatum datumoudste "
        "ingangachterstand openstaandsinds duedate oldestduedate oudstepost datumoudstepost datumoudstefactuur "
        "eersteachterstand achterstandvanaf begindatumachterstand arrearssince vervallen vervaldag oudstenota "
        "oudsteopenstaandefactuur achterstandper eerstetermijn oudstetermijn oldestinvoice oldestinvoicedate",
        "verval sinds oudste duedate since achterstandvanaf oldest",
        "contact betaling herinnering aanmaning klant laatste bedrag aantal",
        lambda c: max(c.dated_between(2015, 2100), 0.9 * c.day_numbers(2015, 2100)),
    ),
    "social_collection.reminder": _place(
        "herinnering verstuurd op|reminder sent on",
        "herinnering herinneringsdatum datumherinnering herinneringverstuurd reminder reminderdate aanmaningsdatum "
        "eersteherinnering datumaanmaning aanmaning",
        "herinnering aanmaning reminder",
        "bedrag aantal kosten",
        lambda c: c.dated_between(2015, 2100),
    ),
    "social_collection.contact": _place(
        "persoonlijk contact gezocht op|personal contact sought on",
        "contactpoging datumcontact datumcontactpoging persoonlijkcontact contactgezocht contactdate",
        "contactpog persoonlijkcontact contactgezocht",
        "",
        lambda c: c.dated_between(2015, 2100),
    ),
    "social_collection.help": _place(
        "gewezen op schuldhulp op|pointed at debt help on",
        "schuldhulp datumschuldhulp gewezenopschuldhulp hulpgewezen doorverwezen datumdoorverwijzing",
        "schuldhulp schuldhulpverlening hulpverlening",
        "",
        lambda c: c.dated_between(2015, 2100),
    ),
    "social_collection.offer": _place(
        "aanbod gedaan op|offer made on",
        "aanbod aanboddatum datumaanbod hulpaanbod offer offerdate aanbodgedaan toestemmingsbrief",
        "aanbod offer",
        "",
        lambda c: c.dated_between(2015, 2100),
    ),
}

# Columns in which a cell means yes: parts of their header, and what the words are where remarks are free text.
URGENT: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "eviction_announced": (("ontruim", "evict"), ("ontruiming",), ("geen ontruiming", "ontruiming afgelast")),
    "shut_off_announced": (
        ("afsluit", "afgesloten", "shutoff", "disconnect"),
        ("afsluiting", "afsluiten"),
        ("geen afsluiting", "afsluiting afgelast"),
    ),
    "insurance_ended": (
        ("royement", "geroyeerd", "polisbeëind", "verzekeringbeëind", "verzekeringbeeind"),
        ("royement", "geroyeerd"),
        ("geen royement",),
    ),
}
REFUSED = (("bezwaar", "avg", "optout", "nietmelden", "geenmelding", "objection"), ("bezwaar",), ("geen bezwaar",))
PLAN_KEPT = (
    ("betalingsregeling", "betaalregeling", "regeling", "paymentplan"),
    ("betalingsregeling", "betaalregeling", "regeling"),
    ("niet nagekomen", "geen regeling", "geen betalingsregeling", "verbroken"),
)
# How a column of states is called, and what stands in it where a contract is paid: the whole cell, in lower case.
STATUS = frozenset({"status", "stand", "state", "toestand"})
PAID = frozenset(
    {"betaald", "voldaan", "afgelost", "gesloten", "vereffend", "closed", "paid", "settled"}
    | {"volledig betaald", "geheel voldaan", "paid in full"}
)
REMARKS = frozenset(
    {"opmerking", "opmerkingen", "opm", "notitie", "notities", "memo", "bijzonderheden", "toelichting", "commentaar"}
    | {"aantekening", "aantekeningen", "remark", "remarks", "notes", "comment", "comments"}
)

# Words that tell what the arrears are of, wherever they stand: headers, sheet names, lines above the table, file name.
CATEGORY: Mapping[str, tuple[str, ...]] = {
    "rent": ("huur", "huurder", "woning", "verhuur", "vhe", "corporatie", "rent", "tenant", "ontruim"),
    "health_insurance": ("polis", "policy", "verzeker", "premie", "premium", "zorg", "insur", "royement"),
    "energy": ("energie", "ean", "stroom", "gas", "elektra", "levering", "energy", "verbruiksadres", "warmte"),
    "water": ("water", "drinkwater"),
    "mortgage": ("hypothe", "mortgage"),
}
DATE_LABELS = ("peildatum", "standper", "perdatum", "referencedate", "datum", "date", "per")
