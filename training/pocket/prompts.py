"""The fixed prompts of the evaluation and of the contact sheet."""

from training.pocket.captions import requested_objects

SINGLES: tuple[str, ...] = tuple(dict.fromkeys(a.en[0] for a in requested_objects()))[:200]
SPANISH: tuple[tuple[str, str], ...] = tuple((a.en[0], a.es[0]) for a in requested_objects()[:200:4])

TWO = """a cat with a hat; a dog wearing a crown; a penguin wearing a top hat; a bear with a cap
a rabbit with a crown; a monkey holding a banana; a panda with a balloon; a robot holding a guitar
a fox holding a gift; a lion with a trophy; a cat on a car; a frog on a pizza; a dog on a bed
a bird on a tree; a chicken on a house; a mouse on a cheese; a penguin on a skateboard
a monkey on a horse; a snowman on a truck; a turtle on a book; a dog under an umbrella
a cat under a tree; a rabbit under a mushroom; a duck under a cloud; a frog under a chair
a cat and a dog; a lion and a tiger; an apple and a banana; a house and a tree; a sun and a cloud
a robot next to a rocket; a cow next to a tractor; a fish and a crab; a pizza and a beer
a key next to a book; a rainbow above a house; a star above a castle; a butterfly above a flower
a helicopter above a mountain; a bee over a sunflower"""
BOUND = """a red car and a blue car; a green apple and a red balloon; a blue cat and a yellow dog
a pink pig on a green car; a yellow bird on a red house; a purple car next to a green tree
a blue bird above a red car; a green frog and a pink pig; a red fish and a blue fish
a black cat with a red balloon; a white rabbit with a blue hat; an orange cat on a blue chair
a red rose and a yellow tulip; a blue elephant and a pink elephant; a green dragon and a red dragon
a purple heart and a gold star; a blue bicycle under a red umbrella; a yellow car under a blue cloud
a pink house next to a blue house; a gold key and a red heart"""
PLACED = """a castle at night; a house at night; a cat at night; an owl in the night sky; a rocket in space
an astronaut in space; a robot on the moon; a ufo in space; a sailboat at sunset; a palm tree at sunset
an airplane in the sky; a balloon in the sky; a cow on the grass; a horse in a field; a rabbit in spring
a fox in autumn; a tree in autumn; a house in winter; a penguin in the snow; a bear in the forest
a deer in the woods; a shark under the sea; an octopus underwater; a duck on the water
a crab on the beach; an umbrella on the beach; a camel in the desert; a frog in the rain
a cup of coffee on a table; a taxi on the street"""
MANY = """two cats; three apples; two dogs; three balloons; four stars; two hearts; three strawberries; two owls
three fish; four flowers"""


def parse(text: str) -> tuple[str, ...]:
    """Return the prompts in a block of text, which are separated by semicolons and line breaks."""
    return tuple(p.strip() for line in text.splitlines() for p in line.split(";"))


COMPOSITIONS = parse(TWO) + parse(BOUND) + parse(PLACED) + parse(MANY)

SHEET = parse("""a red apple; a smiling cat; a rocket; a house with a tree; a rain cloud; pizza; a blue car; a wizard
a puppy; a castle; a sunflower; an elephant; a banana; a guitar; a bicycle; an ice cream; an airplane
a crown; a snowman; a red rose; a butterfly; a fish; a mouse; an owl; a cow; a dragon; a robot; a penguin
a wolf; a hamburger; a cup of coffee; a birthday cake; a mountain; a rainbow; the moon; a star
a red heart; a key; a book; a clock; an umbrella; a ghost; a king; a horse; an astronaut; a lion; a train
a sailboat; a shark; a unicorn; a frog; a christmas tree; a lighthouse tower; a mushroom; a strawberry
a camera; a teddy bear; a fox; a turtle; a bee; a castle at night; a cat with a hat; a dog on a bed
a monkey holding a banana; a red car and a blue car; three apples; a penguin in the snow
a robot on the moon; a rocket in space; a cat and a dog; a frog on a pizza; a fox in autumn
a blue cat and a yellow dog; a dog under an umbrella; a shark under the sea; a crab on the beach
a green dragon at night; a purple elephant; a yellow submarine; a pink flamingo on the water; two owls
a house in winter; a pirate ship on the ocean; a bowl of ramen; un gato; un perro; un gato con sombrero
una casa; una manzana verde; un coche rojo; un dragón en el bosque; un pingüino en la nieve; una flor
un pájaro azul; un castillo de noche; dos gatos""")
PREVIEW = SHEET[::2]
