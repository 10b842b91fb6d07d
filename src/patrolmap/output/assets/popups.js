/* What a click opens: cards of routes, facts of streets, hot spots and depots. */
(function (pm) {
  "use strict";

  const LIT = { y: "lit", n: "unlit", u: "lighting unknown" };

  const clock = (minute) =>
    String(Math.floor(minute / 60)).padStart(2, "0") + ":" + String(minute % 60).padStart(2, "0");
  const km = (metres) => metres < 995 ? Math.round(metres) + " m" : (metres / 1000).toFixed(1) + " km";
  const percent = (share) => (100 * share).toFixed(share < 0.1 ? 1 : 0) + " %";
  const number = (value) => value >= 1000 ? Math.round(value).toLocaleString("en-GB")
    : String(Number(value.toPrecision(2)));
  const plural = (n, one) => n + " " + one + (n === 1 ? "" : "s");

  pm.words = { clock, km, percent, number, plural };

  /* The part of the view that opens popups; `data`, `map`, `routes`, `passes` are the view's. */
  pm.Popups = class {
    /* Show content at a place; while a popup on one route is open, the others stand back. */
    popup(at, content, route) {
      const popup = L.popup({
        maxWidth: 320, minWidth: 220, maxHeight: 320, className: "pm-popup",
        autoPanPaddingTopLeft: [60, 50], autoPanPaddingBottomRight: [this.panelWidth(), 20],
      });
      popup.setLatLng(at).setContent(content).openOn(this.map);
      this.look(route || null);
      if (route) { popup.on("remove", () => { if (this.focus === route) { this.look(null); } }); }
    }

    look(route) {
      if (this.focus === route) { return; }
      this.focus = route;
      this.routes.forEach((each) => each.layers.forEach((layer) =>
        layer.setStyle({ opacity: !route || route === each ? 1 : 0.12 })));
      if (route && route.on) { route.layers.forEach((layer) => layer.bringToFront()); }
      this.labels.place();
    }

    routeCard(route, parent) {
      const box = pm.el("article", "pm-card", null, parent), { plan } = this.data;
      box.style.setProperty("--colour", route.colour);
      pm.el("h3", "", route.shift + " · crew " + route.crew, box);
      const there = route.endDepot === route.depot ? route.depot : route.depot + " → " + route.endDepot;
      const share = route.passed > 0 ? percent(route.passed) : "";
      pm.facts(box, [
        ["Depot", there], ["Time", route.window],
        ["Length", km(route.length) + (route.mode === "drive" ? " by car" : " on foot")],
        ["Service", route.service.replace(/_/g, " ")],
        ["Collects", number(route.prize) + " expected " + plan.unit], ["Share of risk", share],
      ]);
      return box;
    }

    segmentFacts(i, parent) {
      const { streets, risk } = this.data, box = pm.el("section", "pm-segment", null, parent);
      const kind = streets.classes[streets.class[i]].replace(/_/g, " ");
      pm.el("h3", "", this.text(streets.name[i]) || "Street without a name", box);
      const pairs = [["Kind", kind + ", " + km(streets.length[i]) + ", " + LIT[streets.lit[i]]]];
      if (risk && risk.class[i] >= 0) {
        const perKm = number(1000 * risk.value[i] / Math.max(streets.length[i], 1));
        pairs.push(["Risk", number(risk.value[i]) + " expected " + risk.unit + " (" + perKm + " per km)"],
          ["Rank", risk.rank[i].toLocaleString("en-GB") + " of " + risk.ranked.toLocaleString("en-GB") + " by risk per km"]);
      } else if (risk) {
        pairs.push(["Risk", "none counted here"]);
      }
      pm.facts(box, pairs);
      if (this.data.plan) { this.passList(i, box); }
    }

    passList(i, box) {
      const passes = (this.passes.get(i) || []).slice();
      pm.el("h4", "", passes.length ? "Who passes, and when" : "No crew passes here", box);
      const byRoute = new Map();
      passes.forEach((pass) => byRoute.set(pass.route, (byRoute.get(pass.route) || []).concat([pass])));
      byRoute.forEach((list, route) => {
        const line = pm.el("button", "pm-pass", null, box);
        line.type = "button";
        line.style.setProperty("--colour", route.colour);
        pm.el("span", "", route.shift + " · crew " + route.crew, line);
        pm.el("time", "", list.map((pass) => clock(pass.time)).join(", "), line);
        line.addEventListener("click", () => this.openRoute(route));
      });
      passes.filter((pass) => pass.reason).slice(0, 4).forEach((pass) =>
        pm.el("p", "pm-note", clock(pass.time) + ": " + pass.reason, box));
    }

    openRoute(route) {
      const box = pm.el("div"), at = route.legs.at[0] || route.bounds.getCenter();
      const legs = pm.el("ol", "pm-legs", null, this.routeCard(route, box));
      route.legs.place.forEach((place, i) => {
        const line = pm.el("li", "", null, legs);
        pm.el("time", "", clock(route.legs.time[i]), line);
        pm.el("span", "", this.text(place), line);
        pm.el("i", "", route.legs.length[i] ? km(route.legs.length[i]) : route.legs.activity[i], line);
      });
      this.fit(route.bounds);
      this.popup(at, box, route);
    }

    openLeg(route, i, at) {
      const box = pm.el("div"), legs = route.legs, card = this.routeCard(route, box);
      const what = legs.turn[i] === "start" ? "" : legs.turn[i] + ", ";
      const length = legs.length[i] ? km(legs.length[i]) : legs.activity[i];
      pm.el("p", "pm-leg", "Leg " + (i + 1) + ": " + clock(legs.time[i]) + " " + this.text(legs.place[i])
        + " (" + what + length + ")", card);
      this.popup(at, box, route);
    }

    openHotspot(spot, at) {
      const box = pm.el("article", "pm-card");
      box.style.setProperty("--colour", "#3d2a1a");
      pm.el("h3", "", "Hot spot " + spot.number + ": " + spot.name, box);
      pm.facts(box, [
        ["Streets", km(spot.length) + " in " + plural(spot.segments.length, "segment")],
        ["Risk", number(spot.risk) + ", " + percent(spot.riskShare) + " of all"],
        ["That is", spot.lengthShare > 0 ? (spot.riskShare / spot.lengthShare).toFixed(1) + " times its share of length" : ""],
        ...this.hotspotEvents(spot),
      ]);
      this.popup(at, box);
    }

    hotspotEvents(spot) {
      if (spot.events === undefined) { return []; }
      const kinds = Object.entries(spot.kinds).map(([kind, n]) => n + " " + kind);
      const sure = spot.trendChance <= 0.05 ? "" : " (may be chance)";
      return [
        ["Events", kinds.length > 1 ? spot.events + ": " + kinds.join(", ") : String(spot.events)],
        ["Peak", spot.peak && spot.peak.replace("-", "–") + ", " + percent(spot.peakShare) + " of them"],
        ["Trend", spot.trend && "× " + number(spot.trend) + " against all events" + sure],
        ["Chance", spot.chance && "p = " + spot.chance + " if events fell anywhere"],
      ];
    }

    openDepot(stop, at) {
      const box = pm.el("article", "pm-card");
      box.style.setProperty("--colour", "#26221c");
      pm.el("h3", "", stop.name, box);
      const mine = this.routes.filter((route) => route.depot === stop.name);
      pm.facts(box, [["Crews", String(mine.length)], ["Length", km(mine.reduce((sum, route) => sum + route.length, 0))]]);
      this.popup(at, box);
    }
  };
})(window.patrolmap);
