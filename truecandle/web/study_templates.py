"""`/study-templates`: lists of studies with their settings, which a user keeps under names.

Never here: what may stand in a study (`studies`).
Invariant: a template has a study at least.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response

from truecandle.errors import CandleError
from truecandle.exact_json import Exact
from truecandle.store.user_documents import STUDY_TEMPLATES, StoredDocument
from truecandle.web import documents, studies
from truecandle.web.auth import require_user, require_write
from truecandle.web.errors import Problem
from truecandle.web.json_response import json_response, private

_PATH: Final = "/study-templates/<name>"

bp = Blueprint("study_templates", __name__)
documents.allow_larger_bodies(bp)


@bp.get("/study-templates")
@require_user
def study_templates() -> Response:
    """All of the user's, by name."""
    found = documents.find_all(STUDY_TEMPLATES)
    rows = [{"name": name, **_told(document)} for name, document in found.items()]
    return json_response({"templates": rows})


@bp.put(_PATH)
@require_write("trader")
def change_study_template(name: str) -> Response:
    """Makes it (`version` 0) or replaces that version: 409 with the newest one else."""
    name = documents.parse_name(name)
    found, version = documents.given("studies")
    content = studies.checked("studies", found)
    if not content:
        raise CandleError("studies", "none of them", "at least one study")
    saved = documents.save(STUDY_TEMPLATES, name, content, version, _told)
    return json_response({"name": name, **_told(saved)})


@bp.delete(_PATH)
@require_write("trader")
def remove_study_template(name: str) -> Response:
    """Takes it away, whatever its version."""
    if not documents.remove(STUDY_TEMPLATES, documents.parse_name(name)):
        raise Problem(404, "unknown-template", "There is no study template of that name.")
    return private(Response(status=204))


def _told(document: StoredDocument) -> dict[str, Any]:
    return {"studies": Exact(document.text or "[]"), "version": document.version}
