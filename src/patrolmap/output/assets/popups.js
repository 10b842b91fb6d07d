/* What a click opens: cards of routes, streets, hot spots, depots, places and events. */
(function (pm) {
  "use strict";

  pm.popupParts = {
    /* Show content at a place; while a popup on one route is open, the others stand back. */
    popup(at, content, route) {
      const popup = L.popup({
        maxWidth: 340, minWidth: 220, maxHeight: 340, className: "pm-popup",
        autoPanPaddingTopLeft: [this.map.getSize().x < 700 ? 60 : 280, 60], autoPanPaddingBottomRight: [this.panelWidth(), 60],
      });
      popup.setLatLng(at).setContent(content).openOn(this.map);
      this.look(route || null);
      if (route) { popup.on("remove", () => { if (this.focus === route) { this.look(null); } }); }
    },

    look(route) {
      if (this.focus === route) { return; }
      this.focus = route;
      this.routes.forEach((each) => each.layers.forEach((layer) =>
        layer.setStyle({ opacity: !route || route === each ? 1 : 0.12 })));
      if (route && route.on) { route.layers.forEach((layer) => layer.bringToFront()); }
      this.labels.place();
    },

    card(title, colour, pairs, parent) {
      const box = pm.el("article", "pm-card", null, parent);
      box.style.setProperty("--colour", colour);
      pm.el("h3", "", title, box);
      pm.facts(box, pairs);
      return box;
    },

    routeCard(route, parent) {
      const { plan } = this.data;
      const there = route.endDepot === route.depot ? route.depot : route.depot + " → " + route.endDepot;
      return this.card(this.crewName(route), route.colour, [
        [pm.t("Depot"), there], [pm.t("Time"), route.window],
        [pm.t("Length"), this.routeLength(route)],
        [pm.t("Service"), pm.word(route.service)],
        [pm.t("Collects"), pm.t("{n} expected {unit}", { n: pm.number(route.prize), unit: pm.t(plan.unit) })],
        [pm.t("Share of risk"), route.passed > 0 ? pm.percent(route.passed) : ""],
      ], parent);
    },

    routeLength(route) {
      const foot = route.onFoot, driven = route.length - foot, said = [];
      if (driven >= 1 || (route.mode === "drive" && !foot)) { said.push(pm.t("{km} by car", { km: pm.km(driven) })); }
      if (foot > 0 || !said.length) { said.push(pm.t("{km} on foot", { km: pm.km(foot) })); }
      return said.join(", ");
    },

    openRoute(route) {
      const box = pm.el("div"), at = route.legs.at[0] || route.bounds.getCenter();
      const legs = pm.el("ol", "pm-legs", null, this.routeCard(route, box));
      route.legs.place.forEach((place, i) => {
        const line = pm.el("li", "", null, legs);
        pm.el("time", "", pm.clock(route.legs.time[i]), line);
        pm.el("span", "", this.text(place), line);
        pm.el("i", "", this.legSize(route.legs, i), line);
      });
      this.fit(route.bounds);
      this.popup(at, box, route);
    },

    legSize(legs, i) {
      return legs.stands[i] ? pm.word(legs.activity[i]) + ", " + pm.t("{n} min", { n: legs.minutes[i] }) : pm.km(legs.length[i]);
    },

    openLeg(route, i, at) {
      const box = pm.el("div"), { legs } = route, card = this.routeCard(route, box);
      const what = legs.turn[i] === "start" || legs.stands[i] ? "" : pm.word(legs.turn[i]) + ", ";
      pm.el("p", "pm-leg", pm.t("Leg {n}", { n: i + 1 }) + ": " + pm.clock(legs.time[i]) + " " + this.text(legs.place[i])
        + " (" + what + this.legSize(legs, i) + ")", card);
      this.popup(at, box, route);
    },

    openHotspot(spot, at) {
      const times = spot.lengthShare > 0 ? pm.number(spot.riskShare / spot.lengthShare) : "";
      this.popup(at, this.card(pm.t("Hot spot {n}", { n: spot.number }) + ": " + spot.name, "#3d2a1a", [
        [pm.t("Streets"), pm.km(spot.length) + ", " + pm.n("{n} segment", "{n} segments", spot.segments.length)],
        [pm.t("Risk"), pm.t("{n}, {share} of all", { n: pm.number(spot.risk), share: pm.percent(spot.riskShare) })],
        [pm.t("That is"), times && pm.t("{n} times its share of length", { n: times })],
        ...this.hotspotEvents(spot),
      ]));
    },

    hotspotEvents(spot) {
      if (spot.events === undefined) { return []; }
      const kinds = Object.entries(spot.kinds).map(([kind, n]) => pm.many(kind) + " " + pm.whole(n));
      const sure = spot.trendChance <= 0.05 ? "" : " (" + pm.t("may be chance") + ")";
      return [
        [pm.t("Events"), kinds.length > 1 ? pm.whole(spot.events) + ": " + kinds.join(", ") : pm.whole(spot.events)],
        [pm.t("Peak"), spot.peak && pm.t("{hours}, {share} of them", { hours: spot.peak.replace("-", "–"), share: pm.percent(spot.peakShare) })],
        [pm.t("Trend"), spot.trend && pm.t("× {n} against all events", { n: pm.number(spot.trend) }) + sure],
        [pm.t("Chance"), spot.chance && pm.t("p = {p} if events fell anywhere", { p: pm.number(spot.chance) })],
      ];
    },

    openDepot(stop, at) {
      const mine = this.routes.filter((route) => route.depot === stop.name);
      this.popup(at, this.card(stop.name, "#26221c", [
        [pm.t("Crews"), pm.whole(mine.length)],
        [pm.t("Length"), pm.km(mine.reduce((sum, route) => sum + route.length, 0))],
      ]));
    },

    openPlace(i, at) {
      const kind = pm.first(pm.word(this.data.places.kinds[this.places.kind[i]]));
      this.popup(at, this.card(this.text(this.places.names[i]) || kind, this.places.colours[this.places.kind[i]], [[pm.t("Kind"), kind]]));
    },

    openEvents(rows, at) {
      const box = pm.el("article", "pm-card"), list = pm.el("ul", "pm-events", null, box);
      box.style.setProperty("--colour", this.dots.colours[this.dots.kind[rows[0]]]);
      rows.forEach((i) => {
        const { what, when } = this.eventLine(i), line = pm.el("li", "", null, list);
        pm.el("span", "", what, line);
        pm.el("time", "", when, line);
      });
      this.popup(at, box);
    },
  };
})(window.patrolmap);
