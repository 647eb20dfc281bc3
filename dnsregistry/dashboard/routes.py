"""The routes of the page and of its files."""

from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from dnsregistry.api.assets import Assets
from dnsregistry.api.openapi.operation import Operation, Parameter, Route
from dnsregistry.api.openapi.refusals import NOT_FOUND
from dnsregistry.api.routes.description import FILE_ANSWERS, IF_NONE_MATCH, PAGE_ANSWERS

_HERE = Path(__file__).parent
_FOLDERS = ("assets", "assets/views", "assets/vendor")


def list_routes() -> Sequence[Route]:
    """The page at `/`, and each folder of its files."""
    page = Assets(_HERE / "pages")

    async def get_page(request: web.Request) -> web.Response:
        return await page.reply("index.html", request)

    files = [_make_route(folder) for folder in _FOLDERS]
    return (Route("GET", "/", get_page, _PAGE), *files)


def _make_route(folder: str) -> Route:
    inner = folder.removeprefix("assets").strip("/")
    path = "/".join(filter(None, ("/dashboard", inner, "{file}")))
    operation = Operation(
        id=f"getDashboard{inner.capitalize()}File",
        tag="Program",
        summary="A file of the dashboard",
        parameters=(
            Parameter("file", "path", "Its name.", example=_EXAMPLES[inner]),
            IF_NONE_MATCH,
        ),
        answers=FILE_ANSWERS,
        problems=(NOT_FOUND,),
    )
    return Route("GET", path, _serve(Assets(_HERE / folder)), operation)


def _serve(assets: Assets) -> Handler:
    async def get_file(request: web.Request) -> web.Response:
        return await assets.reply(request.match_info["file"], request)

    return get_file


_EXAMPLES = {"": "main.js", "views": "services.js", "vendor": "htm.mjs"}
_PAGE = Operation(
    id="getDashboard",
    tag="Program",
    summary="The dashboard",
    description="A page that asks no other host.",
    parameters=(IF_NONE_MATCH,),
    answers=PAGE_ANSWERS,
)
