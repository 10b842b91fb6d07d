/* Layers of areas and streets, each with its rows in the panel. */
(function (pm) {
  "use strict";

  const PLACE_COLOURS = {
    police: "#1d3557", school: "#b8860b", kindergarten: "#d4a017", bus_stop: "#6c757d", bar: "#8e24aa",
    alcohol: "#ad1457", marketplace: "#6d4c41", park: "#4f8a3c", crossing: "#90a4ae", street_lamp: "#f9a825", camera: "#455a64",
  };
  const BUSY = ["crossing", "street_lamp", "bus_stop"];  // so many that they start switched off

  const range = ({ low, high }) => high === null ? (low ? pm.t("{low} or more", { low: pm.number(low) }) : pm.t("above 0"))
    : low === 0 ? pm.t("below {high}", { high: pm.number(high) }) : pm.number(low) + " – " + pm.number(high);

  /* The scale bar, its units in the reader's language. */
  pm.Scale = L.Control.Scale.extend({
    _updateMetric: function (most) {
      const n = this._getRoundNum(most), label = n < 1000 ? n + " " + pm.t("m") : n / 1000 + " " + pm.t("km");
      this._updateScale(this._mScale, label, n / most);
    },
  });

  pm.legendParts = {
    tiles(painter, pane) {
      return new pm.Tiles(painter, { pane: "pm-" + pane });
    },

    drawBase() {
      const painter = new pm.BasePainter(this.data.streets, this.segments), layer = this.tiles(painter, "base").addTo(this.map);
      const names = new pm.StreetNames(this.data.names, this.segments, painter.road).addTo(this.map);
      const change = (on) => { painter.shown.streets = on; layer.again(); };
      const rows = [
        { label: pm.t("All streets"), on: true, swatch: pm.swatch("line", pm.ROADS[0].colour, 3), show: change },
        { label: pm.t("Street names"), on: true, swatch: pm.swatch("letter", "#4a4438"), show: (on) => this.toggled([names], on) },
      ];
      if (this.data.grounds.kind) {
        const under = this.tiles(new pm.GroundPainter(this.data.grounds), "ground").addTo(this.map);
        rows.push({ label: pm.t("Parks and water"), on: true, swatch: pm.swatch("box", pm.GROUND.p), show: (on) => this.toggled([under], on) });
      }
      const unlit = this.data.streets.lit.split("n").length - 1;
      if (unlit && this.official) {
        const dark = new pm.BasePainter(this.data.streets, this.segments), above = this.tiles(dark, "unlit");
        dark.shown = { streets: false, unlit: true };
        rows.push({ label: pm.t("Unlit streets"), on: false, swatch: pm.swatch("dots", pm.UNLIT, 2), meta: pm.whole(unlit), show: (on) => this.toggled([above], on) });
      }
      const { url, credit } = this.data.tiles;
      if (url) {
        const online = L.tileLayer(url, { attribution: pm.el("span", "", credit).outerHTML, maxZoom: 20, zIndex: 0 });
        rows.push({ label: pm.t("From the web"), on: false, swatch: pm.swatch("box", "#9fc5e8"), show: (on) => this.toggled([online], on) });
      }
      this.panel.group(pm.t("Base map"), rows, url && pm.t("Its server learns where you look."));
    },

    drawRisk() {
      const { risk, hotspots = [] } = this.data, n = risk ? risk.legend.length : 0;
      if (!n && !hotspots.length) { return; }
      const painter = new pm.RiskPainter(this.segments, n ? risk : null, hotspots);
      const layer = this.tiles(painter, "risk").addTo(this.map);
      if (n) {
        const rows = risk.legend.map((row, k) => ({
          label: range(row), on: true, meta: pm.percent(row.share),
          swatch: pm.swatch("line", row.colour, Math.max(pm.riskWidth(k, n) * 1.5, 3)),
          show: (on) => { painter.shown[k] = on; layer.again(); },
        }));
        const when = risk.window ? ", " + risk.window : "";
        this.panel.group(pm.t("Risk by street"), rows.reverse(),
          pm.t("Expected {unit} per km", { unit: pm.t(risk.unit) }) + when + "; " + pm.t("at right the share of street length."));
      }
      if (hotspots.length) { this.hotspotRows(painter, layer); }
    },

    hotspotRows(painter, layer) {
      const { hotspots } = this.data, length = hotspots.reduce((sum, spot) => sum + spot.length, 0);
      this.hotOn = true;
      this.panel.group(pm.t("Hot spots"), [{
        label: pm.n("{n} hot spot", "{n} hot spots", hotspots.length), on: true,
        swatch: pm.swatch("tube", "#3d2a1a", 9), meta: pm.km(length),
        show: (on) => { painter.hotShown = this.hotOn = on; layer.again(); this.labels.place(); },
      }]);
    },

    drawDensity() {
      const { density, risk } = this.data;
      if (!density) { return; }
      const picture = L.imageOverlay(density.image, density.corners, { pane: "pm-density", opacity: 0.7 });
      const on = !risk;
      this.toggled([picture], on);
      this.panel.group(pm.t("Density"), [{ label: pm.t("Density of events"), on, show: (shown) => this.toggled([picture], shown) }],
        density.unit && pm.t(density.unit) + "; " + pm.t("at right the share of the area."));
      this.panel.legend(density.legend.slice().reverse().map((row) =>
        ({ label: range(row), swatch: pm.swatch("box", row.colour), meta: pm.percent(row.share) })));
    },

    drawEvents() {
      const { events, risk, plan } = this.data;
      if (!events) { return; }
      const type = pm.ints(events.type), kinds = Object.keys(events.colours).filter((kind) => events.types.some((t) => t[0] === kind));
      const kindOf = events.types.map((t) => kinds.indexOf(t[0])), { x, y } = pm.points(events.points, type.length);
      this.event = { type, clock: pm.ints(events.clock), lasting: pm.ints(events.lasting) };
      const dots = this.dots = new pm.Dots(x, y, Uint8Array.from(type, (t) => kindOf[t]), kinds.map((kind) => events.colours[kind]));
      const layer = this.tiles(new pm.EventPainter(dots), "events"), on = !risk && !plan, n = kinds.map(() => 0);
      type.forEach((t) => n[kindOf[t]]++);
      dots.shown.fill(on);
      this.toggled([layer], on);
      this.panel.group(pm.t("Recorded events"), kinds.map((kind, k) => ({
        label: pm.first(pm.many(kind)), on, swatch: pm.swatch("dot", events.colours[kind]), meta: pm.whole(n[k]),
        show: (shown) => {
          dots.shown[k] = shown;
          this.toggled([layer], dots.shown.some(Boolean));
          layer.again();
          this.labels.place();
        },
      })), events.period && pm.t("Period: {period}", { period: events.period }));
    },

    /* Whether bubbles of events stand on the map, which leave no room for badges. */
    bubbles(zoom) { return Boolean(this.dots) && Math.round(zoom) < pm.NEAR && this.dots.shown.some(Boolean); },

    drawPlaces() {
      const { places } = this.data;
      if (!places) { return; }
      const kind = pm.ints(places.kind), { x, y } = pm.points(places.points, kind.length);
      const colours = places.kinds.map((name) => PLACE_COLOURS[name] || "#607d8b");
      const dots = this.places = new pm.Dots(x, y, kind, colours), n = colours.map(() => 0);
      dots.names = pm.ints(places.name);
      kind.forEach((k) => n[k]++);
      dots.shown = places.kinds.map((name) => !BUSY.includes(name));
      const layer = this.tiles(new pm.PlacePainter(dots), "places").addTo(this.map);
      this.panel.group(pm.t("Places"), places.kinds.map((name, k) => ({
        label: pm.first(pm.word(name)), on: dots.shown[k], swatch: pm.swatch("square", colours[k]), meta: pm.whole(n[k]),
        show: (on) => { dots.shown[k] = on; layer.again(); this.labels.place(); },
      })));
    },

    placeItems() {
      if (!this.places) { return []; }
      const out = [], { places: dots } = this;
      for (let i = 0; i < dots.x.length; i++) {
        if (!dots.names[i] || BUSY.includes(this.data.places.kinds[dots.kind[i]])) { continue; }
        const text = this.text(dots.names[i]);
        out.push({
          at: pm.latlng(dots.x[i], dots.y[i]), textZoom: () => 16, mark: 8, text, pane: "pm-spots", hint: text, wordy: true,
          visible: (zoom) => zoom >= 16 && dots.shown[dots.kind[i]], click: (at) => this.openPlace(i, at),
          build: (withText) => this.badge("pm-place", "", withText && text),
        });
      }
      return out;
    },
  };
})(window.patrolmap);
