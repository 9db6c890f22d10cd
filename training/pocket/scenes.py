"""The backgrounds of training pictures, and their captions."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scene:
    """A background and its captions.

    It has the RGB colours, 0..255, of the sky's top, the sky at the horizon and the ground's top and bottom, the
    horizon in 0..1, the number of stars, and small pictures that may stand in it.
    """

    top: tuple[int, int, int]
    low: tuple[int, int, int]
    ground: tuple[tuple[int, int, int], tuple[int, int, int]] | None
    horizon: float
    stars: int
    props: tuple[str, ...]
    en: tuple[str, ...]
    es: tuple[str, ...]


DAY = ((120, 200, 255), (222, 242, 255))
SCENES = {
    "night": Scene(
        (8, 12, 45),
        (45, 50, 110),
        None,
        1,
        40,
        ("crescent moon", "full moon"),
        ("at night", "at night", "under the stars", "in the night sky"),
        ("de noche", "por la noche", "bajo las estrellas"),
    ),
    "night land": Scene(
        (8, 12, 45),
        (50, 60, 120),
        ((25, 45, 50), (12, 25, 32)),
        0.72,
        40,
        ("crescent moon", "full moon"),
        ("at night", "on a starry night"),
        ("de noche", "en una noche estrellada"),
    ),
    "space": Scene(
        (3, 3, 14),
        (28, 10, 50),
        None,
        1,
        60,
        ("ringed planet", "globe showing americas", "star"),
        ("in space", "in outer space", "in the galaxy"),
        ("en el espacio", "en la galaxia"),
    ),
    "moon": Scene(
        (3, 3, 14),
        (15, 15, 30),
        ((170, 170, 178), (120, 120, 130)),
        0.72,
        50,
        ("globe showing americas",),
        ("on the moon", "on another planet"),
        ("en la luna", "en otro planeta"),
    ),
    "sunset": Scene(
        (240, 95, 85),
        (255, 205, 120),
        None,
        1,
        0,
        (),
        ("at sunset", "at sunrise", "at dusk"),
        ("al atardecer", "al amanecer"),
    ),
    "sunset sea": Scene(
        (240, 95, 85),
        (255, 205, 120),
        ((150, 80, 120), (80, 50, 110)),
        0.7,
        0,
        ("sun",),
        ("at sunset", "at sunset by the sea"),
        ("al atardecer", "al atardecer en el mar"),
    ),
    "sky": Scene(
        (80, 165, 250),
        (215, 240, 255),
        None,
        1,
        0,
        ("cloud", "sun"),
        ("in the sky", "flying in the sky", "in the air"),
        ("en el cielo", "volando en el cielo"),
    ),
    "day": Scene(
        *DAY,
        ((130, 205, 90), (75, 160, 65)),
        0.7,
        0,
        ("sun", "cloud"),
        ("on a sunny day", "in the day", "under the sun"),
        ("de día", "en un día soleado", "bajo el sol"),
    ),
    "grass": Scene(
        *DAY,
        ((130, 205, 90), (75, 160, 65)),
        0.7,
        0,
        ("sun", "deciduous tree"),
        ("on the grass", "in a field", "in the park", "in the garden", "on a farm"),
        ("en la hierba", "en el campo", "en el parque", "en el jardín"),
    ),
    "spring": Scene(
        *DAY,
        ((150, 220, 110), (95, 185, 80)),
        0.7,
        0,
        ("cherry blossom", "tulip", "blossom"),
        ("in spring", "in a field of flowers"),
        ("en primavera", "en un campo de flores"),
    ),
    "summer": Scene(
        (70, 180, 255),
        (225, 245, 255),
        ((245, 220, 140), (160, 205, 90)),
        0.7,
        0,
        ("sun",),
        ("in summer", "on a summer day"),
        ("en verano", "en un día de verano"),
    ),
    "autumn": Scene(
        (215, 195, 170),
        (250, 230, 200),
        ((205, 130, 50), (160, 90, 35)),
        0.7,
        0,
        ("fallen leaf", "maple leaf"),
        ("in autumn", "in the fall", "on autumn leaves"),
        ("en otoño", "sobre hojas de otoño"),
    ),
    "winter": Scene(
        (175, 205, 235),
        (225, 236, 248),
        ((250, 252, 255), (215, 228, 242)),
        0.7,
        30,
        ("evergreen tree", "snowflake"),
        ("in the snow", "in winter", "on a snowy day"),
        ("en la nieve", "en invierno", "en un día de nieve"),
    ),
    "forest": Scene(
        (40, 95, 60),
        (110, 160, 95),
        ((85, 105, 50), (55, 70, 35)),
        0.74,
        0,
        ("evergreen tree", "deciduous tree"),
        ("in the forest", "in the woods", "in the jungle"),
        ("en el bosque", "en la selva"),
    ),
    "underwater": Scene(
        (60, 175, 230),
        (8, 55, 125),
        None,
        1,
        0,
        ("tropical fish", "coral", "fish"),
        ("under the sea", "underwater", "in the deep ocean"),
        ("bajo el mar", "bajo el agua"),
    ),
    "water": Scene(
        *DAY,
        ((60, 150, 220), (30, 95, 180)),
        0.66,
        0,
        ("sun", "cloud"),
        ("on the water", "on the sea", "in a lake", "on the ocean"),
        ("en el agua", "en el mar", "en un lago"),
    ),
    "beach": Scene(
        (100, 195, 255),
        (220, 242, 255),
        ((245, 220, 160), (228, 195, 125)),
        0.7,
        0,
        ("palm tree", "sun"),
        ("on the beach", "on a sunny beach", "on the sand"),
        ("en la playa", "en la arena"),
    ),
    "desert": Scene(
        (255, 205, 130),
        (255, 235, 185),
        ((228, 180, 100), (200, 145, 70)),
        0.7,
        0,
        ("cactus", "sun"),
        ("in the desert", "in the hot desert"),
        ("en el desierto",),
    ),
    "rain": Scene(
        (90, 105, 130),
        (165, 175, 190),
        ((110, 120, 130), (80, 90, 100)),
        0.75,
        0,
        ("cloud with rain",),
        ("in the rain", "on a rainy day"),
        ("bajo la lluvia", "en un día de lluvia"),
    ),
    "dark": Scene((18, 18, 22), (34, 34, 40), None, 1, 0, (), ("in the dark", "in a dark room"), ("en la oscuridad",)),
    "table": Scene(
        (235, 220, 200),
        (245, 235, 220),
        ((175, 120, 75), (140, 90, 55)),
        0.7,
        0,
        (),
        ("on a table", "on a wooden table", "in a room"),
        ("en una mesa", "sobre la mesa"),
    ),
    "road": Scene(
        (130, 200, 250),
        (225, 240, 252),
        ((110, 112, 118), (80, 82, 88)),
        0.7,
        0,
        ("office building", "house"),
        ("on the road", "on the street", "in the city"),
        ("en la calle", "en la carretera", "en la ciudad"),
    ),
}
