/* Labels that never cover each other: the important ones first, the rest where there is room. */
(function (pm) {
  "use strict";

  /* An item: {at: L.LatLng, textZoom(), visible(zoom), build(withText) -> element, text,
     mark: its size without text in pixels, room(zoom): the pixels it wants free instead, click(),
     pane}. Items come in order of importance. */
  pm.Labels = class {
    constructor(map, items) {
      this.map = map;
      this.items = items;
      this.shown = new Map();
      this.placed = [];
      map.on("zoomend", () => this.place());
      map.on("moveend", () => this.sync());
    }

    /* Decide which items stand at this zoom, wherever the map is panned to. */
    place() {
      const zoom = this.map.getZoom(), taken = new Map();
      this.placed = [];
      for (const item of this.items) {
        if (!item.visible(zoom)) { continue; }
        const p = this.map.project(item.at, zoom), half = (item.room ? item.room(zoom) : item.mark) / 2;
        const bare = [p.x - half, p.y - half, p.x + half, p.y + half];
        const wide = bare.slice();
        wide[2] += Math.min(item.text.length * 6.4, 190) + 10;  // as .pm-text allows
        const withText = zoom >= item.textZoom() && item.text && this.take(taken, wide);
        if (withText || this.take(taken, bare)) { this.placed.push({ item, withText }); }
      }
      this.sync();
    }

    /* Keep room for a box, unless some of it is taken. */
    take(taken, box) {
      const keys = [];
      for (let x = Math.floor(box[0] / 64); x <= Math.floor(box[2] / 64); x++) {
        for (let y = Math.floor(box[1] / 64); y <= Math.floor(box[3] / 64); y++) {
          const key = x + ":" + y;
          for (const other of taken.get(key) || []) {
            if (box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]) {
              return false;
            }
          }
          keys.push(key);
        }
      }
      keys.forEach((key) => taken.set(key, (taken.get(key) || []).concat([box])));
      return true;
    }

    /* Put the labels of the visible part on the map and take the others off. */
    sync() {
      const view = this.map.getBounds().pad(0.2), wanted = new Set();
      for (const { item, withText } of this.placed) {
        if (!view.contains(item.at)) { continue; }
        const now = this.shown.get(item);
        wanted.add(item);
        if (now && now.withText === withText) { continue; }
        if (now) { now.marker.remove(); }
        this.shown.set(item, { marker: this.marker(item, withText), withText });
      }
      for (const [item, { marker }] of this.shown) {
        if (!wanted.has(item)) { marker.remove(); this.shown.delete(item); }
      }
    }

    marker(item, withText) {
      const icon = L.divIcon({ className: "pm-label", html: item.build(withText), iconSize: [0, 0] });
      const marker = L.marker(item.at, { icon, pane: item.pane, keyboard: false, title: item.hint });
      marker.on("click", (e) => { L.DomEvent.stop(e); item.click(item.at); });
      return marker.addTo(this.map);
    }
  };
})(window.patrolmap);
