"""Routes on a picture: a line a crew, its number, depots, and where crews stand."""

from typing import Any

import numpy as np
import pandas as pd

from patrolmap.output._legs import MOVING, Step, path, steps_by_route
from patrolmap.output._style import CARD, INK, crew_colours, lanes
from patrolmap.output._text import one_line
from patrolmap.output.figure.layers import swatch_of
from patrolmap.output.figure.sheet import Sheet
from patrolmap.output.maps.routes import require_plan_of
from patrolmap.patrol.plan import Plan
from patrolmap.streets.network import StreetNetwork

_HEADS = 60  # arrow heads of a route, at most
_MARKS = {"dwell": "o", "break": "s", "report": "^", "briefing": "P", "handover": "D"}


def draw_plan(sheet: Sheet, streets: StreetNetwork, plan: Plan) -> None:
    """Draw each route to the right of its streets, in a lane of its own where routes share one.

    Raises
    ------
    NetworkMismatchError
        If the plan was made on another street network.
    """
    require_plan_of(streets, plan)
    walks, say = steps_by_route(plan), sheet.say
    colours = crew_colours(plan.routes.index)
    lane = lanes({r: {s.segment_id for s in steps if s.segment_id} for r, steps in walks.items()})
    width = 1.5 * sheet.grow
    if len(plan.routes):
        sheet.heading(say("Routes"))
    for number, (route_id, row) in enumerate(plan.routes.iterrows(), start=1):
        colour, double = colours[str(route_id)]
        line = path(walks[str(route_id)])[0]
        sheet.sketch.walk(
            line,
            colour=colour,
            width=width,
            double=double,
            lane=lane[str(route_id)],
            most=_HEADS,
        )
        looks = [(colour, 2.6), (CARD, 0.9)] if double else [(colour, 2.6)]
        sheet.crew(number, row["shift"], row["crew"], row["length"], *swatch_of(looks))
    _stands(sheet, [step for steps in walks.values() for step in steps])
    for stop in plan.stops.to_crs(streets.crs).itertuples():
        sheet.sketch.depot(one_line(stop.name), stop.geometry.x, stop.geometry.y)


def number_routes(sheet: Sheet, plan: Plan) -> None:
    """Put each crew's number where its route is farthest from its start: colours do not print."""
    walks = steps_by_route(plan)
    for number, route_id in enumerate(plan.routes.index, start=1):
        line = path(walks[str(route_id)])[0]
        if len(line):
            far = line[int(np.argmax(np.hypot(*(line - line[0]).T)))]
            sheet.sketch.number(number, *far)


def plan_title(plan: Plan, sheet: Sheet) -> list[str]:
    """Say how many crews and kilometres a plan has, and how much risk they pass."""
    say = sheet.say
    told = [say.count("{n} crew", "{n} crews", len(plan.routes))]
    told.append(say.metres(float(plan.routes["length"].sum())))
    passed = float(plan.share_passed().sum())
    return told + ([say("past {share} of the risk", share=say.share(passed, 0))] if passed else [])


def _stands(sheet: Sheet, steps: list[Step]) -> None:
    from matplotlib.lines import Line2D

    standing = [step for step in steps if step.activity not in MOVING and step.activity != "wait"]
    if not standing:
        return
    sheet.heading(sheet.say("Depots and stops"))
    activity = pd.Series([step.activity for step in standing], dtype="str")
    for what in activity.unique():
        at = np.array([s.line[0] for s in standing if s.activity == what])
        look: dict[str, Any] = {
            "marker": _MARKS.get(what, "v"),
            "color": INK,
            "mec": "white",
            "mew": 0.5,
        }
        sheet.ax.plot(*at.T, linestyle="none", ms=4.2, zorder=6.5, scalex=False, scaley=False,
                      **look)  # fmt: skip
        words = sheet.say.word(what)
        told = f"{words[:1].upper()}{words[1:]}, {len(at)}"
        sheet.entry(told, Line2D([], [], linestyle="none", ms=4.5, **look))
