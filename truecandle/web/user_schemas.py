"""What a user keeps, as JSON Schemas: settings, studies, drawings, layouts, templates.

Never here: what else is answered (`api_schemas`), checking what is sent (`user_settings` and its
neighbours).
Invariant: choices and bounds are the very constants by which what is sent is checked.
"""

from __future__ import annotations

from typing import Final

from truecandle.web import drawings, studies, user_settings
from truecandle.web.json_schema import (
    ANY_OBJECT,
    BOOLEAN,
    MS,
    NUMBER,
    TEXT,
    Schema,
    dictionary,
    either,
    listed,
    nullable,
    part,
    partial,
    structure,
    told,
)

VERSION: Final[Schema] = {"type": "integer", "minimum": 0}


def document_members(what: str, schema: Schema) -> dict[str, Schema]:
    """A user's document and its version."""
    return {what: schema, "version": VERSION}


def document(what: str, schema: Schema) -> Schema:
    return structure(document_members(what, schema))


_SETTINGS: Final[dict[str, Schema]] = {
    "theme": either(user_settings.THEMES),
    "zone": told(TEXT, "`UTC`, `local`, or a name of the IANA time zone database."),
    "colors": either(user_settings.CANDLE_COLORS),
    "type": either(user_settings.CHART_TYPES),
    "scale": either(user_settings.SCALES),
    "inverted": BOOLEAN,
    "auto": BOOLEAN,
    "shortcuts": BOOLEAN,
    "tools": BOOLEAN,
    "panel": either(user_settings.PANELS),
    "favourites": listed(TEXT, maxItems=user_settings.FAVOURITES_MAX),
    "last": nullable(structure({"symbol": TEXT, "interval": TEXT})),
    "studies": listed(part("StudyFields"), maxItems=studies.STUDIES_MAX),
}
_STUDY: Final[dict[str, Schema]] = {
    "id": TEXT,
    "kind": either(studies.STUDY_KINDS),
    "inputs": dictionary({"anyOf": [NUMBER, TEXT]}),
    "style": partial(
        {"color": either(studies.STUDY_COLORS), "width": {"enum": list(studies.STUDY_WIDTHS)}}
    ),
    "hidden": BOOLEAN,
}
_DRAWING: Final[dict[str, Schema]] = {
    "id": TEXT,
    "kind": either(drawings.KINDS),
    "points": listed(structure({"time": MS, "price": TEXT})),
    "style": partial(
        {
            "color": either(drawings.COLORS),
            "width": {"enum": list(drawings.WIDTHS)},
            "dash": either(drawings.DASHES),
        }
    ),
    "text": TEXT,
    "locked": BOOLEAN,
    "hidden": BOOLEAN,
}

USER_PARTS: Final[dict[str, Schema]] = {
    "UserSettings": told(
        partial(_SETTINGS), "What a user has set; a key that is missing was never set."
    ),
    "StudyFields": told(
        structure(_STUDY, "inputs", "style", "hidden"), "A study as settings and templates hold it."
    ),
    "StoredDrawing": told(
        structure(_DRAWING, "style", "text", "locked", "hidden"),
        "A drawing as it is kept: what is usual is left out, prices are decimal text.",
    ),
    "SettingsAnswer": told(
        document("settings", part("UserSettings")), "Version 0: nothing was ever set."
    ),
    "DrawingsAnswer": told(
        document("drawings", listed(part("StoredDrawing"))), "Version 0: nothing is drawn there."
    ),
    "LayoutsAnswer": structure({"layouts": listed(structure({"name": TEXT, "version": VERSION}))}),
    "LayoutAnswer": structure({"name": TEXT, **document_members("layout", ANY_OBJECT)}),
    "StudyTemplate": structure(
        {"name": TEXT, **document_members("studies", listed(part("StudyFields")))}
    ),
    "StudyTemplatesAnswer": structure({"templates": listed(part("StudyTemplate"))}),
}
