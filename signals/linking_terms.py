"""What linking goes by, said once for the SQL (linking.py, linking_homes.py) and for its oracle (linking_oracle.py)."""

from signals.report import Category

# How well a creditor knows where somebody lives now. Who supplies a home knows who lives there; the national registers
# follow the population register, some weeks late; an insurer's address is as old as the customer's last letter.
RELIABILITY = {
    Category.RENT: 4,
    Category.MORTGAGE: 4,
    Category.ENERGY: 3,
    Category.WATER: 3,
    Category.TAXES: 2,
    Category.BENEFITS: 2,
    Category.STUDENT_LOAN: 2,
    Category.CAK_CONTRIBUTION: 2,
    Category.CAK_INSURANCE: 2,
    Category.HEALTH_INSURANCE: 1,
    Category.OTHER: 1,
}

# A home has one contract of these kinds with one creditor at a time. Two persons with one each, in one month, at one
# address are two households behind one door: a student house, a care home, flats whose additions are missing.
ONE_PER_HOME = frozenset({Category.RENT, Category.MORTGAGE, Category.ENERGY, Category.WATER})

# More persons than this at one address, each with arrears, are no family.
MOST_PERSONS = 6
