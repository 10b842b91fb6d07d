/* Draws what explore() found on a Leaflet map. One payload, no requests; records' text is data. */
(function (pm) {
  "use strict";

  const PANES = {
    ground: 305, base: 310, density: 315, risk: 320, unlit: 322, cells: 325, places: 335, events: 340, mark: 410, routes: 420, names: 430,
    stops: 610, spots: 615, crews: 620,
  };

  class View {
    constructor(map, data) {
      Object.assign(this, { map, data, scaled: [], focus: null, official: data.audience === "official" });
      pm.use(data.lang, data.words);
      this.segments = new pm.Segments(data.streets);
      this.routes = data.plan ? data.plan.routes.map((route) => ({ ...route, on: true })) : [];
      this.passes = this.passesBySegment();
      this.panes();
      this.panel = new pm.Panel().addTo(map);
      if (!map.getContainer().querySelector(".leaflet-control-scale")) { new pm.Scale({ imperial: false }).addTo(map); }
      this.credit(data.credit);
      this.head();
      this.unpackRisk();
      this.fit(data.bounds);
      this.mark = L.polyline([], { renderer: this.renderers.mark, interactive: false, color: "#26221c", opacity: 0.85, weight: 3 });
      this.draw();
      this.labels = new pm.Labels(map, this.labelItems());
      if (this.data.plan) { this.addSlider(); }
      if (this.segments.name.some(Boolean) && !map.getContainer().querySelector(".pm-search")) { this.addSearch(); }
      this.listen();
      this.labels.place();
    }

    draw() {
      this.drawRoutes();
      this.drawCells();
      this.drawRisk();
      this.drawEvents();
      this.drawDensity();
      this.drawPlaces();
      this.drawBase();
    }

    unpackRisk() {
      const { risk } = this.data;
      if (!risk) { return; }
      this.riskValue = pm.floats(risk.value);
      this.riskKinds = Object.fromEntries(Object.entries(risk.kinds).map(([kind, text]) => [kind, pm.bytes(text)]));
    }

    /* Say whom the streets are owed to; the control takes HTML, so the text goes in escaped. */
    credit(text) {
      const control = this.map.attributionControl;
      if (!control) { return; }
      control.setPrefix("Leaflet");
      if (text) { control.addAttribution(pm.el("span", "", text).outerHTML); }
    }

    /* Look at bounds in the part of the map that the panel leaves free. */
    fit(bounds, maxZoom) {
      const right = this.panelWidth(), bottom = this.data.plan ? 60 : 30;
      this.map.fitBounds(bounds, { paddingTopLeft: [20, 50], paddingBottomRight: [right, bottom], animate: false, maxZoom });
    }

    panelWidth() {
      const folded = this.panel.box.classList.contains("pm-folded");
      return folded ? 20 : Math.min(340, this.map.getSize().x / 3);
    }

    text(i) { return i > 0 ? this.data.names[i - 1] : ""; }

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
      }
      for (const name of ["mark", "routes"]) { this.renderers[name] = L.canvas({ pane: "pm-" + name, padding: 0.3 }); }
      this.map.getContainer().classList.add("pm-map");
    }

    toggled(layers, on) {
      layers.forEach((layer) => on ? this.map.addLayer(layer) : this.map.removeLayer(layer));
    }

    head() {
      const { plan, risk, cells, events } = this.data, box = this.map.getContainer();
      if (this.official && !box.querySelector(".pm-official")) { pm.el("div", "pm-official", pm.t("For official use only"), box); }
      if (plan) {
        const share = plan.passed > 0 ? pm.t("past {share} of the risk", { share: pm.percent(plan.passed) }) : "";
        const sum = [pm.n("{n} crew", "{n} crews", this.routes.length), pm.km(plan.length), share];
        this.panel.title(pm.t("Patrol plan"), [plan.window, sum.filter(Boolean).join(" · ")]);
      } else if (cells) {
        this.panel.title(pm.t("Recorded events by area"), []);
      } else {
        this.panel.title(pm.t(risk ? "Risk by street" : events ? "Recorded events" : "Streets"), [risk && risk.window]);
      }
      if (this.map.getSize().x < 700) { this.panel.fold(true); }
    }

    /* ---- the mouse ---- */

    listen() {
      const { map } = this;
      map.on("zoomend", () => this.rescale());
      this.rescale();
      this.hover = L.tooltip({ className: "pm-tip", direction: "top", offset: [0, -6] });
      let waiting = false;
      map.on("mousemove", (e) => {
        if (waiting || (map.dragging && map.dragging.moving())) { return; }
        waiting = true;
        const over = e.originalEvent.target.closest(".leaflet-control, .leaflet-popup, .pm-slider");
        requestAnimationFrame(() => { waiting = false; this.point(over ? null : e.latlng); });
      });
      map.on("mouseout", () => this.point(null));
      map.on("click", (e) => this.click(e.latlng));
      map.getContainer().addEventListener("keydown", (e) => { if (e.key === "Escape") { map.closePopup(); } });
    }

    rescale() {
      const width = pm.routeWidth(this.map.getZoom());
      this.scaled.forEach(({ layer, factor }) => layer.setStyle({ weight: Math.max(factor * width, 0.5) }));
    }

    under(latlng) {
      const zoom = this.map.getZoom();
      return zoom < 12 ? -1 : this.segments.nearest(pm.world(latlng), 12 / (256 * Math.pow(2, zoom)));
    }

    point(latlng) {
      const i = latlng ? this.under(latlng) : -1;
      if (i < 0) {
        this.hover.remove();
        if (!this.marked) { this.mark.remove(); }
        return;
      }
      this.marked = false;
      const box = pm.el("div"), passes = this.passes.get(i) || [];
      pm.el("b", "", this.streetName(i), box);
      passes.filter((pass) => pass.route.on).slice(0, 4).forEach((pass) =>
        pm.el("div", "", pm.clock(pass.time) + " " + this.crewName(pass.route), box));
      this.hover.setLatLng(latlng).setContent(box).addTo(this.map);
      this.mark.setLatLngs(this.segments.line(i)).addTo(this.map);
    }

    click(latlng) {
      if (this.clickDots(latlng)) { return; }
      const i = this.under(latlng), box = pm.el("div"), cell = this.cellAt(latlng);
      if (cell >= 0 && (i < 0 || this.map.getZoom() < 16)) { this.openCell(cell, latlng); return; }
      if (i < 0) { return; }
      const here = [...new Set((this.passes.get(i) || []).map((pass) => pass.route))].filter((route) => route.on);
      if (here.length === 1) { this.routeCard(here[0], box); }
      this.segmentFacts(i, box);
      this.popup(latlng, box, here.length === 1 ? here[0] : null);
    }

    /* Events and places lie above the streets, so they are asked first. */
    clickDots(latlng) {
      const at = pm.world(latlng), zoom = this.map.getZoom(), whole = Math.round(zoom);
      if (this.dots && this.dots.shown.some(Boolean)) {
        const rows = whole >= pm.NEAR ? this.dots.near(at, 9, zoom) : [];
        if (rows.length) { this.openEvents(rows, latlng); return true; }
        if (whole < pm.NEAR && this.dots.bubbleAt(at, whole)) {
          this.map.setView(latlng, Math.min(whole + 2, pm.NEAR), { animate: false });
          return true;
        }
      }
      const places = this.places && zoom >= 14 ? this.places.near(at, 7, zoom) : [];
      if (places.length) { this.openPlace(places[0], latlng); }
      return places.length > 0;
    }
  }
  Object.assign(View.prototype, pm.routeParts, pm.legendParts, pm.cellParts, pm.searchParts, pm.sliderParts, pm.factParts, pm.popupParts);

  /* Draw the payload that stands in the element `id` on a map. */
  pm.show = function (map, id) {
    const view = new View(map, JSON.parse(document.getElementById(id).textContent));
    map.getContainer().dataset.patrolmap = "ready";
    return view;
  };
})(window.patrolmap);
