"""axe-core in a page: what it finds wrong there for who sees, hears or points unlike others.

Never here: which states are looked at, exceptions of any kind.
Invariant: the page itself never asks for axe-core; the browser's debugger puts it there, beside the
page's own policy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.project_files import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = ROOT / "node_modules" / "axe-core" / "axe.min.js"
#: All rules of WCAG 2.2 A and AA, and best practices.
_RUN = """async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const {violations} = await axe.run(document, {runOnly: tags, resultTypes: ['violations']});
  return violations.map(({id, nodes}) => `${id}: ${nodes.map(({target}) => target).join(', ')}`);
}"""


def violations(page: Page) -> list[str]:
    """Each rule that is broken, with the elements that break it."""
    session = page.context.new_cdp_session(page)
    try:
        session.send("Runtime.evaluate", {"expression": SCRIPT.read_text(encoding="utf-8")})
    finally:
        session.detach()
    found: list[str] = page.evaluate(_RUN)
    return found
