/* Routes: their lines, the numbers of their legs, the stops they make, who passes a street when. */
(function (pm) {
  "use strict";

  pm.routeParts = {
    crewName(route) { return pm.t("{shift} · crew {n}", { shift: route.shift, n: route.crew }); },

    drawRoutes() {
      if (!this.data.plan) { return; }
      const rows = this.routes.map((route) => {
        const walk = route.segments.flatMap((i, k) => this.segments.line(i, route.forward[k] === "-")), lane = route.lane;
        route.layers = [
          this.walkLine(walk, { color: "#fffdf8", lane }, 1.6),
          this.walkLine(walk, { color: route.colour, lane }, 1),
        ];
        if (route.second) { route.layers.push(this.walkLine(walk, { color: "#fffdf8", lane }, 0.3)); }
        route.layers.push(new pm.Arrows(walk, {
          renderer: this.renderers.routes, interactive: false, color: "#ffffff", weight: 1.4, lane,
        }));
        route.bounds = L.latLngBounds(walk.length ? walk : this.data.bounds);
        this.toggled(route.layers, true);
        return {
          label: this.crewName(route), on: true, meta: pm.km(route.length), open: () => this.openRoute(route),
          swatch: pm.swatch(route.second ? "double" : "line", route.colour, 4),
          show: (on) => { route.on = on; this.toggled(route.layers, on); this.labels.place(); this.walkAgain(); },
        };
      });
      this.panel.group(pm.t("Routes"), rows);
      this.drawStops();
    },

    /* Where crews stand, by what they do there; whatever kinds the plan knows. */
    drawStops() {
      const { stops } = this.data.plan, kinds = new Map(), rows = [];
      this.stopsOn = { depot: true };
      this.routes.forEach((route) => route.legs.stands.forEach((stands, i) => {
        if (stands) { kinds.set(route.legs.activity[i], (kinds.get(route.legs.activity[i]) || 0) + 1); }
      }));
      const row = (name, label, n, swatch) => rows.push({ label, on: true, meta: pm.whole(n), swatch,
        show: (on) => { this.stopsOn[name] = on; this.labels.place(); } });
      if (stops.length) { row("depot", pm.t("Depots"), stops.length, pm.swatch("depot", "#26221c")); }
      kinds.forEach((n, kind) => { this.stopsOn[kind] = true; row(kind, pm.first(pm.word(kind)), n, pm.swatch("stand", "#26221c")); });
      if (rows.length) { this.panel.group(pm.t("Depots and stops"), rows); }
    },

    walkLine(walk, options, factor) {
      const layer = new pm.Walk(walk, { renderer: this.renderers.routes, interactive: false, lineJoin: "round", ...options });
      this.scaled.push({ layer, factor });
      return layer;
    },

    walkAgain() { if (this.range) { this.walkTo(Number(this.range.value)); } },

    passesBySegment() {
      const out = new Map();
      this.routes.forEach((route) => route.segments.forEach((segment, k) => {
        if (!out.has(segment)) { out.set(segment, []); }
        out.get(segment).push({ route, time: route.times[k], from: route.moves.from[route.moves.walk.indexOf(k)], reason: this.text(route.reasons[k]) });
      }));
      out.forEach((list) => list.sort((a, b) => a.from - b.from));
      return out;
    },

    labelItems() {
      const depots = (this.data.plan ? this.data.plan.stops : []).map((stop) => ({
        at: L.latLng(stop.at), textZoom: () => 13, mark: 20, text: stop.name, pane: "pm-spots",
        hint: stop.name, visible: () => this.stopsOn.depot, click: (at) => this.openDepot(stop, at),
        build: (withText) => this.badge("pm-depot", "", withText && stop.name),
      }));
      const spots = (this.data.hotspots || []).map((spot) => ({
        at: L.latLng(spot.at), textZoom: () => 16, mark: 30, text: spot.label, pane: "pm-spots", hint: spot.name,
        // From far away a badge keeps more room, so that only the hottest of each part have one.
        room: (zoom) => zoom >= 15.5 ? 30 : 90, visible: (zoom) => this.hotOn && zoom >= 11 && !this.bubbles(zoom), click: (at) => this.openHotspot(spot, at),
        build: (withText) => this.badge("pm-spot", pm.t("H{n}", { n: spot.number }), withText && spot.label),
      }));
      return [...depots, ...this.legItems(true), ...spots, ...this.legItems(false), ...this.cellItems(), ...this.placeItems()];
    },

    /* Stops where a crew stands come before badges of hot spots, numbers of legs after them. */
    legItems(standing) {
      const items = this.routes.flatMap((route) => route.legs.at.map((at, i) => {
        const legs = route.legs, stands = Boolean(legs.stands[i]), text = this.legText(route, i);
        return {
          stands, major: legs.major[i], leg: i, route, at: L.latLng(at), mark: 19, pane: "pm-stops", text,
          textZoom: () => this.focus ? 15.5 : this.routes.length > 4 ? 18 : 16.5,
          visible: (zoom) => route.on && (!stands || this.stopsOn[legs.activity[i]]) && this.legShows(route, i, zoom, stands),
          hint: text + " (" + this.crewName(route) + ")", click: (place) => this.openLeg(route, i, place),
          build: (withText) => this.stop(route, i, withText && text, stands),
        };
      })).filter((item) => item.stands === standing);
      return items.sort((a, b) => b.major - a.major || a.leg - b.leg);
    },

    /* From far away only the route that is looked at shows its numbers. */
    legShows(route, i, zoom, stands) {
      const major = stands || route.legs.major[i];
      if (this.focus) { return this.focus === route && zoom >= (major ? 12 : 15); }
      return zoom >= (stands ? 14.5 : major ? 15 : this.routes.length > 4 ? 17.5 : 16);
    },

    legText(route, i) {
      const { legs } = route, what = legs.stands[i] ? pm.word(legs.activity[i]) + " " + pm.t("{n} min", { n: legs.minutes[i] }) + ", " : "";
      return pm.clock(legs.time[i]) + " " + what + this.text(legs.place[i]);
    },

    badge(name, mark, text) {
      const box = pm.el("div", "pm-badge " + name);
      pm.el("b", "", mark, box);
      if (text) { pm.el("span", "pm-text", text, box); }
      return box;
    },

    stop(route, i, text, stands) {
      const box = this.badge(stands ? "pm-stop pm-stand" : "pm-stop", i + 1, text);
      box.style.setProperty("--colour", route.colour);
      box.style.setProperty("--on-colour", pm.inkOn(route.colour));
      return box;
    },
  };
})(window.patrolmap);
