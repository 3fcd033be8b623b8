"""The application: an explicit list of pages on one shell."""

from __future__ import annotations

from collections.abc import Sequence

import dash

from lossmon.errors import StoreError
from lossmon_dashboard import export, library, news, shell
from lossmon_dashboard.changes import READ_ONLY
from lossmon_dashboard.direct import answer_directly
from lossmon_dashboard.links import NEWS
from lossmon_dashboard.loading import NOT_WITH_THE_OTHERS, Dashboard
from lossmon_dashboard.pages import PAGES
from lossmon_dashboard.questions import check_questions
from lossmon_dashboard.security import LOOPBACK_HOSTS, guard
from lossmon_dashboard.source import DATABASE

_PAGE = """<!DOCTYPE html>
<html lang="en">
    <head>
        {%metas%}
        <title>{%title%}</title>
        {%favicon%}
        {%css%}
    </head>
    <body>
        {%app_entry%}
        <footer>
            {%config%}
            {%scripts%}
            {%renderer%}
        </footer>
    </body>
</html>"""


def create_app(
    db: str | None = None,
    *,
    hosts: frozenset[str] = LOOPBACK_HOSTS,
    token: str | None = None,
    prefix: str = "",
    frames: Sequence[str] = (),
    read_only: bool = False,
) -> dash.Dash:
    """Build the dashboard over a database.

    Args:
        db: a path or a SQLAlchemy URL; `$LOSSMON_DB`, else `sqlite:///lossmon.db`, where None.
        hosts: host names that requests may be addressed to.
        token: what must be presented before anything is shown; None where none is required.
        prefix: the path below which browsers see it, such as `/lossmon` behind a proxy. Requests
            come with that path as `SCRIPT_NAME`, as `lossmon_dashboard.serve` gives them.
        frames: origins of pages that may hold it in a frame; none by default.
        read_only: whether runs can be looked at only, not renamed, tagged, archived or deleted.

    Returns:
        The app; its WSGI application is `.server`. The database is opened by the first request.
    """
    app = Dashboard(
        __name__,
        title="lossmon",
        update_title="",
        suppress_callback_exceptions=True,
        on_error=_keep_what_is_shown,
        serve_locally=True,
        requests_pathname_prefix=f"{prefix}/",
        routes_pathname_prefix="/",
        index_string=_PAGE,
        assets_path_ignore=NOT_WITH_THE_OTHERS,
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1"},
            {"name": "color-scheme", "content": "light dark"},
        ],
    )
    app.server.config[DATABASE] = db
    app.server.config[READ_ONLY] = read_only
    # Made for each page: its links begin with the path that the request came by.
    app.layout = shell.layout
    shell.register(app)
    for page in PAGES:
        page.register(app)
    export.register(app.server)
    library.register(app.server)
    news.register(app.server)
    rules = guard(app.server, hosts=hosts, token=token, scripts=app.csp_hashes(), frames=frames)
    answer_directly(app.server, NEWS, rules, news.what_is_new)
    check_questions(app)
    return app


def _keep_what_is_shown(error: Exception) -> None:
    """Leave a page as it is when its run or its database goes away; the header says what is wrong.

    Raises:
        Exception: any other error, as it came.
    """
    if not isinstance(error, StoreError):
        raise error
