/* Draws what explore() found on a Leaflet map. One payload, no requests; records' text is data. */
(function (pm) {
  "use strict";

  const ROADS = [
    { names: ["motorway", "trunk", "primary"], colour: "#b9b2a6", width: 2.6 },
    { names: ["secondary", "tertiary"], colour: "#c3bdb2", width: 1.9 },
    { names: ["residential", "unclassified", "living_street", "road", "busway"], colour: "#cfc9be", width: 1.2 },
    { names: null, colour: "#dbd6cc", width: 0.8 },
  ];
  const RISK_WIDTH = [1.2, 1.5, 1.9, 2.4, 3.0, 3.6];
  const PANES = { base: 310, hot: 320, risk: 330, mark: 410, routes: 420, stops: 610, spots: 615 };

  const { clock, km, percent, number, plural } = pm.words;

  class View extends pm.Popups {
    constructor(map, data) {
      super();
      this.map = map;
      this.data = data;
      this.lines = pm.decode(data.streets.points, data.streets.counts);
      this.index = new pm.SegmentIndex(this.lines);
      this.scaled = [];
      this.focus = null;
      this.routes = data.plan ? data.plan.routes.map((route) => ({ ...route, on: true })) : [];
      this.passes = this.passesBySegment();
      this.panes();
      this.panel = new pm.Panel().addTo(map);
      if (!map.getContainer().querySelector(".leaflet-control-scale")) {
        L.control.scale({ imperial: false }).addTo(map);
      }
      this.credit(data.credit);
      this.head();
      this.drawRoutes();
      this.drawRisk();
      this.drawHotspots();
      this.drawBase();
      this.labels = new pm.Labels(map, this.labelItems());
      this.listen();
      this.fit(data.bounds);
      this.labels.place();
    }

    /* Say whom the streets are owed to; the control takes HTML, so the text goes in escaped. */
    credit(text) {
      const control = this.map.attributionControl;
      if (!control) { return; }
      control.setPrefix("Leaflet");
      if (text) { control.addAttribution(pm.el("span", "", text).outerHTML); }
    }

    /* Look at bounds in the part of the map that the panel leaves free. */
    fit(bounds) {
      const right = this.panelWidth();
      this.map.fitBounds(bounds, { paddingTopLeft: [20, 50], paddingBottomRight: [right, 30], animate: false });
    }

    panelWidth() {
      const folded = this.panel.box.classList.contains("pm-folded");
      return folded ? 20 : Math.min(340, this.map.getSize().x / 3);
    }

    text(i) { return i < 0 ? "" : this.data.names[i]; }

    panes() {
      this.renderers = {};
      for (const [name, z] of Object.entries(PANES)) {
        const id = "pm-" + name;
        if (!this.map.getPane(id)) {
          const pane = this.map.createPane(id);
          pane.style.zIndex = z;
          // Lines let clicks through: the map itself looks for what is nearest.
          if (z < 600) { pane.style.pointerEvents = "none"; }
        }
        if (z < 600) { this.renderers[name] = L.canvas({ pane: id, padding: 0.3 }); }
      }
      this.map.getContainer().classList.add("pm-map");
    }

    /* A line layer whose width follows the zoom. */
    lines_(pane, lines, options, width) {
      const renderer = this.renderers[pane];
      const style = { renderer, interactive: false, lineJoin: "round", ...options };
      const layer = options.lane === undefined ? L.polyline(lines, style) : new pm.Walk(lines, style);
      this.scaled.push({ layer, width });
      return layer;
    }

    toggled(layers, on) {
      layers.forEach((layer) => on ? this.map.addLayer(layer) : this.map.removeLayer(layer));
    }

    row(layers, row) {
      const shown = row.on !== false;
      if (shown) { this.toggled(layers, true); }
      return { on: true, ...row, show: (on) => { this.toggled(layers, on); if (row.after) { row.after(on); } } };
    }

    head() {
      const { plan, risk } = this.data;
      if (plan) {
        pm.el("div", "pm-official", "For official use only", this.map.getContainer());
        const share = plan.passed > 0 ? "past " + percent(plan.passed) + " of the risk" : "";
        const sum = [plural(this.routes.length, "crew"), km(plan.length), share];
        this.panel.title("Patrol plan", [plan.window, sum.filter(Boolean).join(" · ")]);
      } else {
        this.panel.title(risk ? "Risk by street" : "Streets", [risk && risk.window]);
      }
      if (this.map.getSize().x < 700) { this.panel.fold(true); }
    }

    drawBase() {
      const { streets } = this.data, of = streets.classes.map((name) => {
        const plain = name.replace(/_link$/, "");
        const at = ROADS.findIndex((road) => road.names && road.names.includes(plain));
        return at < 0 ? ROADS.length - 1 : at;
      });
      const parts = ROADS.map(() => []);
      this.lines.forEach((line, i) => parts[of[streets.class[i]]].push(line));
      const base = parts.map((lines, i) =>
        this.lines_("base", lines, { color: ROADS[i].colour, smoothFactor: 1.4 }, ROADS[i].width)).reverse();
      const unlit = this.lines.filter((line, i) => streets.lit[i] === "n");
      const rows = [this.row(base, { label: "All streets", swatch: pm.swatch("line", ROADS[0].colour, 3) })];
      if (unlit.length) {
        const layer = this.lines_("base", unlit, { color: "#57534e", dashArray: "1 5", lineCap: "round" }, 1.5);
        const swatch = pm.swatch("dots", "#57534e", 2);
        rows.push(this.row([layer], { label: "Unlit streets", on: false, swatch, meta: plural(unlit.length, "segment") }));
      }
      this.panel.group("Base map", rows);
    }

    drawRisk() {
      const { risk } = this.data;
      if (!risk || !risk.legend.length) { return; }
      const parts = risk.legend.map(() => []);
      risk.class.forEach((code, i) => { if (code >= 0) { parts[code].push(this.lines[i]); } });
      const last = risk.legend.length - 1, rows = [];
      parts.forEach((lines, i) => {
        const { low, high, colour, share } = risk.legend[i];
        const width = RISK_WIDTH[RISK_WIDTH.length - 1 - last + i];
        const layer = this.lines_("risk", lines, { color: colour, smoothFactor: 1.2 }, width);
        const range = high === null ? (low ? number(low) + " or more" : "above 0")
          : low === 0 ? "below " + number(high) : number(low) + " – " + number(high);
        rows.unshift(this.row([layer], {
          label: range, swatch: pm.swatch("line", colour, Math.max(width * 1.5, 3)), meta: percent(share),
        }));
      });
      const when = risk.window ? ", " + risk.window : "";
      this.panel.group("Risk by street", rows,
        "Expected " + risk.unit + " per km" + when + "; at right the share of street length.");
    }

    drawHotspots() {
      const { hotspots } = this.data;
      if (!hotspots.length) { return; }
      const lines = hotspots.flatMap((spot) => spot.segments.map((i) => this.lines[i]));
      const outline = [
        this.lines_("hot", lines, { color: "#3d2a1a" }, 8),
        this.lines_("hot", lines, { color: "#fffdf8" }, 6.4),
      ];
      this.hotOn = true;
      const after = (on) => { this.hotOn = on; this.labels.place(); };
      const swatch = pm.swatch("tube", "#3d2a1a", 9);
      const length = hotspots.reduce((sum, spot) => sum + spot.length, 0);
      this.panel.group("Hot spots", [this.row(outline, {
        label: plural(hotspots.length, "hot spot"), swatch, meta: km(length), after,
      })]);
    }

    drawRoutes() {
      if (!this.data.plan) { return; }
      const rows = this.routes.map((route) => {
        const walk = this.walkLine(route), lane = route.lane;
        route.layers = [
          this.lines_("routes", walk, { color: "#fffdf8", lane }, -1.6),
          this.lines_("routes", walk, { color: route.colour, lane }, -1),
        ];
        if (route.second) { route.layers.push(this.lines_("routes", walk, { color: "#fffdf8", lane }, -0.3)); }
        route.layers.push(new pm.Arrows(walk, {
          renderer: this.renderers.routes, interactive: false, color: "#ffffff", weight: 1.4, lane,
        }));
        route.bounds = L.latLngBounds(walk.length ? walk : this.data.bounds);
        return this.row(route.layers, {
          label: route.shift + " · crew " + route.crew,
          swatch: pm.swatch(route.second ? "double" : "line", route.colour, 4),
          meta: km(route.length),
          open: () => this.openRoute(route),
          after: (on) => { route.on = on; this.labels.place(); },
        });
      });
      this.panel.group("Routes", rows);
      this.depotsOn = true;
      const after = (on) => { this.depotsOn = on; this.labels.place(); };
      const stops = this.data.plan.stops.length;
      this.panel.group("Depots", [this.row([], { label: plural(stops, "depot"), swatch: pm.swatch("depot", "#26221c"), after })]);
    }

    walkLine(route) {
      const out = [];
      route.segments.forEach((segment, k) => {
        const line = this.lines[segment];
        out.push(...(route.forward[k] === "+" ? line : line.slice().reverse()));
      });
      return out;
    }

    passesBySegment() {
      const out = new Map();
      this.routes.forEach((route) => route.segments.forEach((segment, k) => {
        if (!out.has(segment)) { out.set(segment, []); }
        out.get(segment).push({ route, time: route.times[k], reason: this.text(route.reasons[k]) });
      }));
      return out;
    }

    labelItems() {
      const depots = (this.data.plan ? this.data.plan.stops : []).map((stop) => ({
        at: L.latLng(stop.at), textZoom: () => 13, mark: 20, text: stop.name, pane: "pm-spots",
        hint: stop.name, visible: () => this.depotsOn, click: (at) => this.openDepot(stop, at),
        build: (withText) => this.badge("pm-depot", "", withText && stop.name),
      }));
      const spots = this.data.hotspots.map((spot) => ({
        at: L.latLng(spot.at), textZoom: () => 15, mark: 22, text: spot.name, pane: "pm-spots",
        hint: spot.name, visible: () => this.hotOn, click: (at) => this.openHotspot(spot, at),
        build: (withText) => this.badge("pm-spot", "H" + spot.number, withText && spot.name),
      }));
      const minor = this.routes.length > 4 ? 17.5 : 16;
      const stops = this.routes.flatMap((route) => route.legs.at.map((at, i) => ({
        major: route.legs.major[i], leg: i, route, at: L.latLng(at), mark: 19, pane: "pm-stops",
        textZoom: () => this.focus ? 15.5 : this.routes.length > 4 ? 18 : 16.5,
        // From far away only the route that is looked at shows its numbers.
        visible: (zoom) => route.on && (this.focus ? this.focus === route
          && zoom >= (route.legs.major[i] ? 12 : 15) : zoom >= (route.legs.major[i] ? 15 : minor)),
        text: clock(route.legs.time[i]) + " " + this.text(route.legs.place[i]),
        hint: this.legHint(route, i), click: (place) => this.openLeg(route, i, place),
        build: (withText) => this.stop(route, i, withText),
      })));
      stops.sort((a, b) => b.major - a.major || a.leg - b.leg);
      return [...depots, ...spots, ...stops];
    }

    badge(name, mark, text) {
      const box = pm.el("div", "pm-badge " + name);
      pm.el("b", "", mark, box);
      if (text) { pm.el("span", "pm-text", text, box); }
      return box;
    }

    stop(route, i, withText) {
      const legs = route.legs, text = clock(legs.time[i]) + " " + this.text(legs.place[i]);
      const box = this.badge("pm-stop", i + 1, withText && text);
      box.style.setProperty("--colour", route.colour);
      box.style.setProperty("--on-colour", pm.inkOn(route.colour));
      return box;
    }

    legHint(route, i) {
      const legs = route.legs;
      return clock(legs.time[i]) + " " + this.text(legs.place[i]) + " (" + route.shift + ", crew " + route.crew + ")";
    }

    /* ---- the mouse ---- */

    listen() {
      const map = this.map;
      map.on("zoomend", () => this.rescale());
      this.rescale();
      this.hover = L.tooltip({ className: "pm-tip", direction: "top", offset: [0, -6] });
      this.mark = L.polyline([], { renderer: this.renderers.mark, interactive: false, color: "#26221c", opacity: 0.85, weight: 3 });
      let waiting = false;
      map.on("mousemove", (e) => {
        if (waiting) { return; }
        waiting = true;
        const over = e.originalEvent.target.closest(".leaflet-control, .leaflet-popup");
        requestAnimationFrame(() => { waiting = false; this.point(over ? null : e.latlng); });
      });
      map.on("mouseout", () => this.point(null));
      map.on("click", (e) => this.click(e.latlng));
      map.getContainer().addEventListener("keydown", (e) => { if (e.key === "Escape") { map.closePopup(); } });
    }

    rescale() {
      const zoom = this.map.getZoom();
      this.scaled.forEach(({ layer, width }) => {
        const weight = width < 0 ? -width * pm.routeWidth(zoom) : width * pm.widthAt(zoom);
        layer.setStyle({ weight: Math.max(weight, 0.5) });
      });
    }

    under(latlng) {
      const metres = 12 * 156543 * Math.cos(latlng.lat * Math.PI / 180) / Math.pow(2, this.map.getZoom());
      return metres > 150 ? -1 : this.index.nearest(latlng, metres);
    }

    point(latlng) {
      const i = latlng ? this.under(latlng) : -1;
      if (i < 0) { this.hover.remove(); this.mark.remove(); return; }
      const box = pm.el("div"), passes = this.passes.get(i) || [];
      pm.el("b", "", this.text(this.data.streets.name[i]) || "Street without a name", box);
      passes.filter((pass) => pass.route.on).slice(0, 4).forEach((pass) =>
        pm.el("div", "", clock(pass.time) + " " + pass.route.shift + " · crew " + pass.route.crew, box));
      this.hover.setLatLng(latlng).setContent(box).addTo(this.map);
      this.mark.setLatLngs(this.lines[i]).addTo(this.map);
    }

    click(latlng) {
      const i = this.under(latlng);
      if (i < 0) { return; }
      const box = pm.el("div");
      const here = [...new Set((this.passes.get(i) || []).map((pass) => pass.route))].filter((route) => route.on);
      if (here.length === 1) { this.routeCard(here[0], box); }
      this.segmentFacts(i, box);
      this.popup(latlng, box, here.length === 1 ? here[0] : null);
    }
  }

  /* Draw the payload that stands in the element `id` on a map. */
  pm.show = function (map, id) {
    const view = new View(map, JSON.parse(document.getElementById(id).textContent));
    map.getContainer().dataset.patrolmap = "ready";
    return view;
  };
})(window.patrolmap);
