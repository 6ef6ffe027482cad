"""Made-up exports of seven creditors in a made-up town, with the truth beside them: mess that no example holds.

    python -m bench.mess FOLDER --seed 7 --households 2000

The words are lists of this package's own; nothing is taken from an example or a person.
"""
