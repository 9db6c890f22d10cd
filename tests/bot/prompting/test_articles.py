"""English articles before words that variants and wildcards insert."""

import pytest

from bot.prompting.articles import agree_articles, takes_an

AN = (
    "emerald amber azure indigo ochre umber aqua ivory orange olive apple owl elf orc igloo onyx oak urn umbrella "
    "uncle urge urban usher utter unusual unimportant uninteresting uninhabited unidentified undone ugly upright "
    "hour hourglass heir heiress honest honour honorary 8 8-bit 80 80s 800 11 11th 18 18-year-old 1850 X-ray FBI "
    "LED LCD MRI NFT RPG SUV AI M4 F-16 L-shaped S-curve H-bomb N R2D2 iPhone émigré über Ångström Yggdrasil "
    "yttrium ounce onion oneiric A"
)
A = (
    "cat unicorn uniform unique universe university unit united union unicycle unanimous user useful usual "
    "usurper utopia utensil utility ukulele Ukrainian UFO ufo UK USB UV U-turn uranium Utah ubiquitous European "
    "euro eucalyptus ewe one one-eyed once ouija hotel historic house honey Honolulu yellow yeti 1 2D 3D 5-star "
    "10 12 100 110 180 1900 B-52 DVD T NASA LEGO RED MOON UNICORN xylophone 東京"
)


def test_the_sound_of_a_word_decides_its_article() -> None:
    assert [word for word in AN.split() if not takes_an(word)] == []
    assert [word for word in A.split() if takes_an(word)] == []


@pytest.mark.parametrize(
    ("written", "made", "right"),
    [
        ("a __colour__ cat", "a emerald green cat", "an emerald green cat"),
        ("A {owl|fox} and an {owl|fox}", "A owl and an fox", "An owl and a fox"),
        ("an {hour|unicorn}", "an unicorn", "a unicorn"),
        ("{a|the} {8-bit|red} hero", "a 8-bit hero", "an 8-bit hero"),
        ('a "{umber|red}" wall', 'a "umber" wall', 'an "umber" wall'),
        ("a owl, a {red|old} car", "a owl, a old car", "a owl, an old car"),  # words that the user wrote stay
        ("vitamin-a {egg|milk}", "vitamin-a egg", "vitamin-a egg"),
        ("voy a {Alicante|Madrid}", "voy a Alicante", "voy a Alicante"),
        ("a {igreja|casa} com uma porta azul", "a igreja com uma porta azul", "a igreja com uma porta azul"),
        ("il y a {une|deux} amies", "il y a une amies", "il y a une amies"),
        ("a red cat", "a red cat", "a red cat"),
    ],
)
def test_an_article_agrees_with_the_word_that_a_variant_inserts(written: str, made: str, right: str) -> None:
    assert agree_articles(made, written) == right
