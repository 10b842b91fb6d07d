/* The box where a street, a place or a hot spot is looked for by name; and the print button. */
(function (pm) {
  "use strict";

  const MOST = 8;
  const folded = (text) => text.toLocaleLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/ё/g, "е");

  pm.Search = L.Control.extend({
    options: { position: "topleft" },

    /* `found(entry)` is called with one of the entries: {name, kind, ...}. */
    initialize: function (entries, found, print) {
      this.entries = entries.map((entry) => ({ ...entry, key: folded(entry.name) }));
      Object.assign(this, { found, print });
    },

    onAdd: function () {
      const box = pm.el("div", "pm-search leaflet-control");
      this.input = pm.el("input", "", null, box);
      Object.assign(this.input, { type: "search", placeholder: pm.t("Find a street"), autocomplete: "off", spellcheck: false });
      this.input.setAttribute("aria-label", pm.t("Find a street"));
      const button = pm.el("button", "pm-print", pm.t("Print"), box);
      button.type = "button";
      button.addEventListener("click", this.print);
      this.list = pm.el("div", "pm-found", null, box);
      this.input.addEventListener("input", () => this.show());
      this.input.addEventListener("keydown", (e) => {
        const first = this.list.querySelector("button");
        if (e.key === "Enter" && first) { first.click(); }
        if (e.key === "Escape") { this.input.value = ""; this.show(); }
        e.stopPropagation();
      });
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      return box;
    },

    matches: function (text) {
      const key = folded(text.trim());
      if (!key) { return []; }
      const place = (entry) => { const at = entry.key.indexOf(key); return at < 0 ? -1 : at === 0 ? 0 : entry.key[at - 1] === " " ? 1 : 2; };
      return this.entries.map((entry) => ({ entry, at: place(entry) })).filter(({ at }) => at >= 0)
        .sort((a, b) => a.at - b.at || a.entry.key.length - b.entry.key.length).slice(0, MOST).map(({ entry }) => entry);
    },

    show: function () {
      this.list.replaceChildren();
      const rows = this.matches(this.input.value);
      rows.forEach((entry) => {
        const line = pm.el("button", "", null, this.list);
        line.type = "button";
        pm.el("span", "", entry.name, line);
        if (entry.kind) { pm.el("i", "", entry.kind, line); }
        line.addEventListener("click", (e) => {
          e.stopPropagation();  // the list goes, and with it what tells the map that this was no click on it
          this.input.value = entry.name;
          this.list.replaceChildren();
          this.found(entry);
        });
      });
      if (!rows.length && this.input.value.trim()) { pm.el("p", "pm-note", pm.t("Nothing of that name"), this.list); }
    },
  });

  pm.searchParts = {
    addSearch() {
      const streets = new Map();
      this.segments.name.forEach((name, i) => {
        if (name) { if (streets.has(name)) { streets.get(name).push(i); } else { streets.set(name, [i]); } }
      });
      const entries = [...streets].map(([name, rows]) => ({ name: this.text(name), rows }));
      if (this.places) {
        this.places.names.forEach((name, i) => {
          if (name) { entries.push({ name: this.text(name), kind: pm.word(this.data.places.kinds[this.places.kind[i]]), place: i }); }
        });
      }
      this.search = new pm.Search(entries, (entry) => this.goTo(entry), () => this.print()).addTo(this.map);
    },

    goTo({ rows, place }) {
      if (rows) {
        this.mark.setLatLngs(rows.map((i) => this.segments.line(i))).addTo(this.map);
        this.marked = true;
        this.fit(this.segments.bounds(rows), 17);
      } else {
        const at = pm.latlng(this.places.x[place], this.places.y[place]);
        this.map.setView(at, 17, { animate: false });
        this.openPlace(place, at);
      }
    },

    print() {
      const box = this.map.getContainer(), at = this.map.getCenter();
      this.map.closePopup();
      box.classList.add("pm-printing");
      this.map.invalidateSize({ animate: false });
      const back = () => {
        window.removeEventListener("afterprint", back);
        box.classList.remove("pm-printing");
        this.map.invalidateSize({ animate: false });
        this.map.setView(at, this.map.getZoom(), { animate: false });
      };
      window.addEventListener("afterprint", back);
      const ready = () => pm.idle() ? window.print() : setTimeout(ready, 100);
      setTimeout(ready, 150);
    },
  };
})(window.patrolmap);
