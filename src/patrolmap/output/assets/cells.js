/* The public map: how many events were recorded in each cell. */
(function (pm) {
  "use strict";

  pm.cellParts = {
    drawCells() {
      const { cells } = this.data;
      if (!cells) { return; }
      this.kinds = Object.keys(cells.counts).map((kind) => ({ kind, counts: pm.ints(cells.counts[kind]), on: true }));
      const n = this.kinds.length ? this.kinds[0].counts.length : 0, at = pm.points(cells.corners, 4 * n);
      const renderer = L.canvas({ pane: "pm-cells", padding: 0.5 });
      this.cells = Array.from({ length: n }, (_, i) => {
        const ring = [0, 1, 2, 3].map((k) => pm.latlng(at.x[4 * i + k], at.y[4 * i + k]));
        return L.polygon(ring, { renderer, interactive: false, weight: 0.8, color: "#fffdf8" }).addTo(this.map);
      });
      const rows = this.kinds.map((each) => ({
        label: pm.first(pm.many(each.kind)), on: true,
        show: (on) => { each.on = on; this.shadeCells(); },
      }));
      this.panel.group(pm.t("Recorded events"), rows, pm.t(
        "How many in cells of {size}; rounded to {rounding}, none under {minimum} shown. Offences of juveniles are left out.",
        { size: pm.km(cells.size), rounding: cells.rounding, minimum: cells.minimum }));
      this.panel.legend(cells.legend.slice().reverse().map(({ low, colour }) =>
        ({ label: pm.t("{low} or more", { low: pm.whole(low) }), swatch: pm.swatch("box", colour + "b8") })));
      this.shadeCells();
    },

    countIn(i) { return this.kinds.reduce((sum, each) => sum + (each.on ? each.counts[i] : 0), 0); },

    shadeCells() {
      this.cells.forEach((cell, i) => {
        const n = this.countIn(i), classes = this.data.cells.legend.filter((row) => n >= row.low);
        const on = classes.length > 0;
        cell.setStyle({ fillColor: on ? classes[classes.length - 1].colour : "#fff", fillOpacity: on ? 0.72 : 0, opacity: on ? 1 : 0 });
      });
      if (this.labels) { this.labels.place(); }
    },

    cellItems() {
      return (this.cells || []).map((cell, i) => ({
        at: cell.getBounds().getCenter(), textZoom: () => 99, mark: 34, text: "", pane: "pm-spots", hint: "",
        visible: (zoom) => zoom >= 13 && this.countIn(i) > 0, click: (at) => this.openCell(i, at),
        build: () => pm.el("div", "pm-count", pm.whole(this.countIn(i))),
      }));
    },

    cellAt(latlng) {
      return (this.cells || []).findIndex((cell, i) => this.countIn(i) > 0 && cell.getBounds().contains(latlng));
    },

    openCell(i, at) {
      const box = pm.el("article", "pm-card"), { size } = this.data.cells;
      box.style.setProperty("--colour", "#2e6f9e");
      pm.el("h3", "", pm.t("Cell of {size}", { size: pm.km(size) }), box);
      pm.facts(box, this.kinds.filter((each) => each.counts[i]).map((each) =>
        [pm.first(pm.many(each.kind)), pm.t("about {n}", { n: pm.whole(each.counts[i]) })]));
      this.popup(at, box);
    },
  };
})(window.patrolmap);
