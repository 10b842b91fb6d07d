/* Street names along the streets, where there is room; drawn again when the map stands still. */
(function (pm) {
  "use strict";

  const FROM = [13, 14.5, 16, 17];  // zoom from which a class of ROADS shows its names
  const GAP = 260;  // pixels between two standings of one name

  pm.StreetNames = L.Layer.extend({
    initialize: function (names, segments, road) {
      Object.assign(this, { names, segments, road });
    },

    onAdd: function (map) {
      this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide pm-names", map.getPane("pm-names"));
      map.on("moveend zoomend resize", this.draw, this);
      this.draw();
    },

    onRemove: function (map) {
      map.off("moveend zoomend resize", this.draw, this);
      this.canvas.remove();
    },

    draw: function () {
      const map = this._map, size = map.getSize(), zoom = map.getZoom(), ratio = Math.min(window.devicePixelRatio || 1, 2);
      const corner = map.containerPointToLayerPoint([0, 0]), ctx = this.canvas.getContext("2d");
      L.DomUtil.setPosition(this.canvas, corner);
      this.canvas.width = size.x * ratio;
      this.canvas.height = size.y * ratio;
      Object.assign(this.canvas.style, { width: size.x + "px", height: size.y + "px" });
      if (zoom < FROM[0]) { return; }
      ctx.scale(ratio, ratio);
      Object.assign(ctx, { textAlign: "center", textBaseline: "middle", lineJoin: "round", lineWidth: 3 });
      this.taken = [];
      const origin = pm.world(map.containerPointToLatLng([0, 0])), scale = 256 * Math.pow(2, zoom);
      this.candidates(origin, scale, size, zoom).forEach((c) => this.write(ctx, c));
    },

    /* The longest straight piece of each named segment in view, the great streets first. */
    candidates: function (origin, scale, size, zoom) {
      const { segments: s, road } = this, out = [];
      const rows = s.within(origin.x, origin.y, origin.x + size.x / scale, origin.y + size.y / scale);
      for (const i of rows) {
        const code = Math.min(road[i], 3);
        if (!s.name[i] || zoom < FROM[code]) { continue; }
        let best = null;
        for (let k = s.start[i] + 1; k < s.start[i + 1]; k++) {
          const dx = (s.x[k] - s.x[k - 1]) * scale, dy = (s.y[k] - s.y[k - 1]) * scale, long = Math.hypot(dx, dy);
          if (!best || long > best.long) {
            best = { long, dx, dy, x: ((s.x[k] + s.x[k - 1]) / 2 - origin.x) * scale, y: ((s.y[k] + s.y[k - 1]) / 2 - origin.y) * scale };
          }
        }
        if (best && best.long > 25) { out.push({ ...best, code, name: s.name[i] }); }
      }
      return out.sort((a, b) => a.code - b.code || b.long - a.long).slice(0, 600);
    },

    write: function (ctx, c) {
      const text = this.names[c.name - 1], font = (c.code < 2 ? 600 : 400) + " " + (c.code < 2 ? 11.5 : 10.5) + "px ";
      ctx.font = font + '"DejaVu Sans", system-ui, sans-serif';
      const wide = ctx.measureText(text).width;
      if (wide > c.long * 2.2 + 40 || wide > 320) { return; }
      let turn = Math.atan2(c.dy, c.dx);
      if (Math.abs(turn) > Math.PI / 2) { turn += Math.PI; }
      const hx = Math.abs(Math.cos(turn)) * wide / 2 + 7, hy = Math.abs(Math.sin(turn)) * wide / 2 + 7;
      const clash = this.taken.some((o) => (Math.abs(o.x - c.x) < o.hx + hx && Math.abs(o.y - c.y) < o.hy + hy)
        || (o.name === c.name && Math.hypot(o.x - c.x, o.y - c.y) < GAP));
      if (clash) { return; }
      this.taken.push({ x: c.x, y: c.y, hx, hy, name: c.name });
      ctx.save();
      ctx.translate(c.x, c.y);
      ctx.rotate(turn);
      ctx.strokeStyle = "rgba(255, 253, 248, 0.9)";
      ctx.strokeText(text, 0, 0);
      ctx.fillStyle = "#4a4438";
      ctx.fillText(text, 0, 0);
      ctx.restore();
    },
  });
})(window.patrolmap);
