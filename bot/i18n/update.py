"""Bring the catalogues up to date with the source, or start one: `scripts/translations [LANGUAGE...]`."""

import sys
from collections.abc import Sequence
from io import BytesIO

from babel.messages import Catalog
from babel.messages.pofile import write_po

from bot.i18n.catalogue import LOCALE_FOLDER, catalogue_path, is_finished, read_messages
from bot.i18n.extraction import ROOT, Sentences, extract_sentences

LINE_WIDTH = 120
HEADER = r"""{comment}
msgid ""
msgstr ""
"Language: {language}\n"
"Plural-Forms: {plurals}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""
"""What a catalogue starts with. It holds no dates, so that two branches which add sentences can be merged."""


def main(languages: Sequence[str]) -> None:
    """Update the catalogues of `languages`, or of every language that has one. Print what is left to translate."""
    template = build_template(extract_sentences())
    for language in languages or sorted(path.name for path in LOCALE_FOLDER.iterdir()):
        catalogue = update_catalogue(language, template)
        path = catalogue_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(format_catalogue(catalogue))
        left = sum(not is_finished(message) for message in catalogue if message.id)
        print(f"{path.relative_to(ROOT)}: {len(catalogue)} sentences, {left} to translate")  # noqa: T201  # this is a command


def build_template(found: Sentences) -> Catalog:
    """Return a catalogue of the sentences, without translations."""
    template = Catalog()
    for sentence, place in found.templates.items():
        plural = found.plurals.get(sentence)
        file, _, line = place.rpartition(":")
        template.add((sentence, plural) if plural else sentence, locations=[(file, int(line))])
    return template


def update_catalogue(language: str, template: Catalog) -> Catalog:
    """Return the catalogue of `language` with the sentences of `template`: new ones empty, unused ones gone.

    A new sentence that resembles an old one starts with the old translation, marked as fuzzy until someone checks it.
    """
    if not catalogue_path(language).exists():
        new = Catalog(locale=language, header_comment=f"# {language}: translated sentences of Atelier.")
        new.update(template)
        return new
    catalogue = read_messages(language)
    catalogue.update(template, update_creation_date=False)
    catalogue.obsolete.clear()
    return catalogue


def format_catalogue(catalogue: Catalog) -> bytes:
    """Return the text of the catalogue's file, in the order of the source, with the file of each sentence."""
    written = BytesIO()
    write_po(written, catalogue, width=LINE_WIDTH, omit_header=True, sort_by_file=True, include_lineno=False)
    header = HEADER.format(comment=catalogue.header_comment, language=catalogue.locale, plurals=catalogue.plural_forms)
    return header.encode() + written.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
