"""A folium map that is one file: Leaflet inside, nothing fetched, scripts only with a nonce."""

import base64
import functools
import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import folium
from branca.element import CssLink, Element, Figure, JavascriptLink

from patrolmap._files import replacing
from patrolmap.errors import OptionError
from patrolmap.output._text import escape_html, json_for_html, named_file

_OWN_SCRIPTS = {"leaflet", "jquery", "bootstrap", "awesome_markers"}  # what folium.Map asks for
_SCRIPTS = (
    "words.js", "packing.js", "segments.js", "walks.js", "tiles.js", "streets.js", "events.js",
    "cells.js", "names.js", "labels.js", "panel.js", "legend.js", "search.js", "slider.js",
    "routes.js", "popups.js", "facts.js", "patrolmap.js",
)  # fmt: skip
_CSP = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src data: "
    "blob:{tiles}; base-uri 'none'; form-action 'none'"
)
_PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{csp}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{leaflet_css}</style>
<script nonce="{nonce}">{leaflet_js}</script>
<script nonce="{nonce}">{offline_js}</script>
{head}
</head>
<body>
{body}
<script nonce="{nonce}">
{script}
</script>
</body>
</html>
"""


class OfflineMap(folium.Map):  # type: ignore[misc]
    """A `folium.Map` whose `save` and notebook display need no internet.

    Layers of folium can be added as to any map. Those that load scripts from elsewhere cannot
    work in a file that fetches nothing: they raise when the map is written.
    """

    def __init__(self, *, name: str, title: str, lang: str, tiles: str) -> None:
        super().__init__(
            tiles=None,
            prefer_canvas=True,
            max_zoom=20,  # without tiles nothing else says how far in a cluster may go
            zoom_snap=0.5,
            zoom_delta=1,
            zoom_control=True,
            fade_animation=False,
        )
        self._id = name
        # Its own page takes the place of the folium page that the parent class made.
        OfflineFigure(title=title, lang=lang, tiles=tiles).add_child(self)

    def save(self, outfile: Any, close_file: bool = True, **kwargs: Any) -> None:
        """Write the map as one file; on a failure what stood there before stays.

        Parameters
        ----------
        outfile
            Path, or a binary file to write to.
        close_file
            Whether a file that was passed is closed.
        """
        self.get_root().save(outfile, close_file, **kwargs)


class OfflineFigure(Figure):  # type: ignore[misc]
    """The page around an `OfflineMap`; `tiles` is the one place it may ask for pictures, if any."""

    def __init__(self, *, title: str, lang: str, tiles: str) -> None:
        super().__init__(title=title)
        self.lang, self.tiles = lang, tiles

    def render(self, **kwargs: Any) -> str:
        """Return the whole page."""
        for child in self._children.values():
            child.render(**kwargs)
        head = "\n".join(_head_parts(self.header, kwargs))
        parts = {
            "head": head,
            "body": self.html.render(**kwargs),
            "script": self.script.render(**kwargs),
            "leaflet_css": _leaflet_css(),
            "leaflet_js": _leaflet_js(),
            "offline_js": _offline_js(),
            "title": escape_html(self.title),
            "lang": self.lang,
        }
        # A hash of the whole page: the same for equal maps, out of reach of any text in it.
        digest = hashlib.sha256("\0".join(parts.values()).encode()).digest()
        nonce = base64.urlsafe_b64encode(digest[:18]).decode()
        parts["head"] = re.sub(r"<script(?=[\s>])", f'<script nonce="{nonce}"', head)
        policy = _CSP.format(nonce=nonce, tiles=f" {self.tiles}" if self.tiles else "")
        return _PAGE.format(**parts, nonce=nonce, csp=policy)

    def save(self, outfile: Any, close_file: bool = True, **kwargs: Any) -> None:
        """Write the page; a path is replaced in one step."""
        page = self.render(**kwargs).encode()
        if isinstance(outfile, (str, bytes, Path)):
            name = outfile.decode() if isinstance(outfile, bytes) else outfile
            with replacing(named_file(name)) as draft:
                draft.write_bytes(page)
            return
        outfile.write(page)
        if close_file:
            outfile.close()


class PatrolLayers(Element):  # type: ignore[misc]
    """All layers of one `explore` call: the payload, and the script that draws it."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__()
        self._name = "PatrolLayers"
        self._json = json_for_html(payload)
        self._id = hashlib.sha256(self._json.encode()).hexdigest()[:16]

    def render(self, **kwargs: Any) -> str:
        """Put style, script and payload into the page's head, and the call into its script."""
        page, name = self.get_root(), self.get_name()
        page.header.add_child(_Raw(f"<style>{asset('patrolmap.css')}</style>"), "patrolmap_css")
        script = "\n".join(asset(name) for name in _SCRIPTS)
        page.header.add_child(_Raw(f"<script>{script}</script>"), "patrolmap_js")
        data = f'<script type="application/json" id="{name}">{self._json}</script>'
        page.header.add_child(_Raw(data), name)
        call = f'patrolmap.show({self._parent.get_name()}, "{name}");'
        page.script.add_child(_Raw(call), name)
        return ""


class _Raw(Element):  # type: ignore[misc]
    """Text that is put into the page as it is; branca's own Element would run it as a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self, **kwargs: Any) -> str:
        return self._text


def _head_parts(header: Element, kwargs: dict[str, Any]) -> list[str]:
    """Render the head without what would be fetched; Leaflet is put in by the page itself."""
    out = []
    for name, element in header._children.items():
        if isinstance(element, CssLink):
            continue
        if isinstance(element, JavascriptLink):
            if name not in _OWN_SCRIPTS:
                raise OptionError(
                    f"a layer on this map loads the script {name!r} from {element.url}, but the "
                    "map is one file that fetches nothing. Leave the layer out, or draw on a map "
                    "of your own that may go online: explore(..., m=folium.Map())."
                )
            continue
        if name != "meta_http":
            out.append(element.render(**kwargs))
    return out


@functools.cache
def asset(name: str) -> str:
    """Return a text file of the package's assets."""
    return (resources.files("patrolmap.output") / "assets" / name).read_text("utf-8")


def _data_uri(name: str) -> str:
    picture = (resources.files("patrolmap.output") / "assets/leaflet/images" / name).read_bytes()
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


@functools.cache
def _leaflet_js() -> str:
    # Without the pointer to a source map, which a browser's tools would try to load.
    return re.sub(r"\n//# sourceMappingURL=.*", "", asset("leaflet/leaflet.js"))


@functools.cache
def _leaflet_css() -> str:
    css = asset("leaflet/leaflet.css")
    return re.sub(r"url\(images/([\w-]+\.png)\)", lambda m: f"url({_data_uri(m[1])})", css)


@functools.cache
def _offline_js() -> str:
    icons = {
        "iconUrl": _data_uri("marker-icon.png"),
        "iconRetinaUrl": _data_uri("marker-icon-2x.png"),
        "shadowUrl": _data_uri("marker-shadow.png"),
    }
    return asset("offline.js").replace("/* ICONS */ {}", json.dumps(icons))
