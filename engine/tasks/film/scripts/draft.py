"""Draft a script of five scenes from an idea, in English or Spanish, as a start for the user."""

import random

from engine.tasks.film.scripts.script import Script, ScriptScene

Line = tuple[str, str]
"""The prompt and the narration of a scene, with `{idea}` in place of the idea."""

ENGLISH: tuple[tuple[Line, ...], ...] = (
    (
        ("{idea}, seen from far away, early morning light", "This is where it begins: {idea}."),
        ("wide view, {idea}, soft mist, first light", "Every story has a first morning. Ours begins with {idea}."),
        ("{idea}, quiet landscape all around, pale sky", "Nobody was watching yet. There was only {idea}."),
    ),
    (
        ("{idea}, close up, fine detail", "Come closer, and you see what others pass by."),
        ("{idea}, portrait, warm light", "It was a day like any other."),
        ("{idea}, in the middle of the day, clear colours", "For a while, nothing seemed to change."),
    ),
    (
        ("{idea}, strong wind, dark clouds coming", "Then the wind turned."),
        ("{idea}, long shadows, something is about to happen", "But something was already on its way."),
        ("{idea}, rain, reflections on the ground", "The rain came, and with it doubt."),
    ),
    (
        ("{idea}, storm, dramatic light", "There was no way back. Only through."),
        ("{idea}, at night, a single light", "In the darkest hour, one light was enough."),
        ("{idea}, everything in motion, bold colours", "And all at once, everything moved."),
    ),
    (
        ("{idea}, golden hour, calm", "In the end it was quiet again, but nothing was the same."),
        ("{idea}, sunset, peaceful", "And if you look for it today, you will find it there: {idea}."),
        ("{idea}, under a sky full of stars", "Some stories do not end. They only grow quiet."),
    ),
)
"""Variants of each of the five scenes."""
SPANISH: tuple[tuple[Line, ...], ...] = (
    (
        ("{idea}, visto desde lejos, luz de la mañana", "Aquí empieza todo: {idea}."),
        ("vista amplia, {idea}, niebla suave, primera luz", "Toda historia tiene una primera mañana: {idea}."),
        ("{idea}, paisaje tranquilo alrededor, cielo pálido", "Nadie miraba todavía. Solo estaba ahí: {idea}."),
    ),
    (
        ("{idea}, primer plano, mucho detalle", "Acércate y verás lo que otros no ven."),
        ("{idea}, retrato, luz cálida", "Parecía un día como cualquier otro."),
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
MOTION_CYCLE = ("zoom", "pan", "parallax")
MAX_TITLE_CHARACTERS = 60
"""Maximum length of the title."""


def draft(idea: str, language: str, seed: int) -> Script:
    """Return a script about `idea` in Spanish for `es`, otherwise in English. `seed` selects the variants of the
    scenes.
    """
    chance = random.Random(f"{idea} {seed}")
    idea = idea.strip().rstrip(".")
    acts = SPANISH if language == "es" else ENGLISH
    lines = [chance.choice(act) for act in acts]
    shift = chance.randrange(len(MOTION_CYCLE))
    scenes = tuple(
        ScriptScene(
            prompt=prompt.format(idea=idea),
            narration=narration.format(idea=idea),
            motion=MOTION_CYCLE[(at + shift) % len(MOTION_CYCLE)],
        )
        for at, (prompt, narration) in enumerate(lines)
    )
    return Script(
        scenes, title=(idea[:1].upper() + idea[1:])[:MAX_TITLE_CHARACTERS], language="es" if language == "es" else "en"
    )
