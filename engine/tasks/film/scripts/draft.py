"""An idea to a script of five scenes that a person goes on from: seeded, in English or Spanish."""

import random

from engine.tasks.film.scripts.script import Script, ScriptScene

Line = tuple[str, str]

ENGLISH: tuple[tuple[Line, ...], ...] = (
    (
        ("{idea}, seen from far away, early morning light", "This is where it begins: {idea}."),
        ("wide view, {idea}, soft mist, first light", "Every story has a first morning. Ours begins with {idea}."),
        ("{idea}, quiet landscape all around, pale sky", "Nobody was watching yet. There was only {idea}."),
    ),
    (
        ("{idea}, close up, fine detail", "Come closer, and you see what others pass by."),
        ("portrait of {idea}, warm light", "It looked like a day as any other."),
        ("{idea}, in the middle of the day, clear colours", "For a while, nothing seemed to change."),
    ),
    (
        ("{idea}, strong wind, dark clouds coming", "Then the wind turned."),
        ("{idea}, long shadows, something is about to happen", "But something was already on its way."),
        ("{idea}, rain, reflections on the ground", "The rain came, and with it a doubt."),
    ),
    (
        ("{idea}, storm, dramatic light", "There was no way back. Only through."),
        ("{idea}, at night, a single light", "In the darkest hour, one light was enough."),
        ("{idea}, everything in motion, bold colours", "And all at once, everything moved."),
    ),
    (
        ("{idea}, golden hour, calm", "In the end it was quiet again, and nothing was as before."),
        ("{idea}, sunset, peaceful", "And if you look for it today, you will find it there: {idea}."),
        ("{idea}, under a sky full of stars", "Some stories do not end. They only grow quiet."),
    ),
)
SPANISH: tuple[tuple[Line, ...], ...] = (
    (
        ("{idea}, visto desde lejos, luz de la mañana", "Aquí empieza todo: {idea}."),
        ("vista amplia, {idea}, niebla suave, primera luz", "Toda historia tiene una primera mañana: {idea}."),
        ("{idea}, paisaje tranquilo alrededor, cielo pálido", "Nadie miraba todavía. Solo estaba esto: {idea}."),
    ),
    (
        ("{idea}, primer plano, mucho detalle", "Acércate y verás lo que otros no ven."),
        ("retrato de {idea}, luz cálida", "Parecía un día como cualquier otro."),
        ("{idea}, a mediodía, colores claros", "Durante un tiempo, nada pareció cambiar."),
    ),
    (
        ("{idea}, viento fuerte, nubes oscuras", "Entonces cambió el viento."),
        ("{idea}, sombras largas, algo va a pasar", "Pero algo estaba ya en camino."),
        ("{idea}, lluvia, reflejos en el suelo", "Llegó la lluvia, y con ella una duda."),
    ),
    (
        ("{idea}, tormenta, luz dramática", "No había vuelta atrás. Solo adelante."),
        ("{idea}, de noche, una sola luz", "En la hora más oscura bastó una luz."),
        ("{idea}, todo en movimiento, colores vivos", "Y de pronto todo se movió."),
    ),
    (
        ("{idea}, hora dorada, calma", "Al final volvió la calma, y nada era como antes."),
        ("{idea}, atardecer, paz", "Y si hoy lo buscas, allí lo encontrarás: {idea}."),
        ("{idea}, bajo un cielo lleno de estrellas", "Hay historias que no terminan. Solo se callan."),
    ),
)
MOVES = ("zoom", "pan", "parallax")
TITLE = 60
"""Letters of a title."""


def draft(idea: str, language: str, seed: int) -> Script:
    """A script about `idea` in `language`, es or en for any other; every scene keeps its words."""
    chance = random.Random(f"{idea} {seed}")
    idea = idea.strip().rstrip(".")
    acts = SPANISH if language == "es" else ENGLISH
    lines = [chance.choice(act) for act in acts]
    shift = chance.randrange(len(MOVES))
    scenes = tuple(
        ScriptScene(
            prompt=seen.format(idea=idea),
            narration=said.format(idea=idea),
            motion=MOVES[(at + shift) % len(MOVES)],
        )
        for at, (seen, said) in enumerate(lines)
    )
    return Script(scenes, title=(idea[:1].upper() + idea[1:])[:TITLE], language="es" if language == "es" else "en")
