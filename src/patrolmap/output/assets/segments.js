/* The segments of the street network: where they run, which lies nearest, which are in a box. */
(function (pm) {
  "use strict";

  pm.Segments = class {
    constructor(streets) {
      const counts = pm.ints(streets.counts);
      this.n = counts.length;
      this.start = new Int32Array(this.n + 1);
      counts.forEach((count, i) => { this.start[i + 1] = this.start[i] + count; });
      Object.assign(this, pm.points(streets.points, this.start[this.n]));
      this.name = pm.ints(streets.name);
      this.class = pm.ints(streets.class);
      this.length = pm.ints(streets.length);
      this.grid = new pm.Grid(pm.boundsOf(this.x, this.y), (put) => this.pieces(put));
      this.seen = new Int32Array(this.n);
      this.look = 0;
    }

    metres(i) { return this.length[i] / 10; }

    pieces(put) {
      const { x, y } = this;
      for (let i = 0; i < this.n; i++) {
        for (let k = this.start[i] + 1; k < this.start[i + 1]; k++) {
          put(i, Math.min(x[k - 1], x[k]), Math.min(y[k - 1], y[k]), Math.max(x[k - 1], x[k]), Math.max(y[k - 1], y[k]));
        }
      }
    }

    /* Rows of the segments in a box of the world, each once. */
    within(x0, y0, x1, y1) {
      const out = [], look = ++this.look;
      this.grid.within(x0, y0, x1, y1, (i) => {
        if (this.seen[i] !== look) { this.seen[i] = look; out.push(i); }
      });
      return out;
    }

    /* The segment nearest to a place and at most `reach` (of the world) away, or -1. */
    nearest(at, reach) {
      let best = -1, least = reach * reach;
      for (const i of this.within(at.x - reach, at.y - reach, at.x + reach, at.y + reach)) {
        for (let k = this.start[i] + 1; k < this.start[i + 1]; k++) {
          const away = this.away(at, k);
          if (away < least) { least = away; best = i; }
        }
      }
      return best;
    }

    away(at, k) {
      const { x, y } = this, dx = x[k] - x[k - 1], dy = y[k] - y[k - 1];
      const long = dx * dx + dy * dy, t = long ? ((at.x - x[k - 1]) * dx + (at.y - y[k - 1]) * dy) / long : 0;
      const u = Math.min(Math.max(t, 0), 1), ex = at.x - x[k - 1] - u * dx, ey = at.y - y[k - 1] - u * dy;
      return ex * ex + ey * ey;
    }

    /* A segment as Leaflet's points, against its geometry if asked for. */
    line(i, backward) {
      const out = [];
      for (let k = this.start[i]; k < this.start[i + 1]; k++) { out.push(pm.latlng(this.x[k], this.y[k])); }
      return backward ? out.reverse() : out;
    }

    /* The place a share of the way along a segment. */
    along(i, share, backward) {
      const { x, y } = this, from = this.start[i], to = this.start[i + 1];
      let whole = 0;
      for (let k = from + 1; k < to; k++) { whole += Math.hypot(x[k] - x[k - 1], y[k] - y[k - 1]); }
      let left = whole * (backward ? 1 - share : share);
      for (let k = from + 1; k < to; k++) {
        const long = Math.hypot(x[k] - x[k - 1], y[k] - y[k - 1]);
        if (left <= long || k === to - 1) {
          const t = long ? Math.min(left / long, 1) : 0;
          return pm.latlng(x[k - 1] + t * (x[k] - x[k - 1]), y[k - 1] + t * (y[k] - y[k - 1]));
        }
        left -= long;
      }
      return pm.latlng(x[from], y[from]);
    }

    bounds(rows) {
      const out = L.latLngBounds([]);
      rows.forEach((i) => this.line(i).forEach((p) => out.extend(p)));
      return out;
    }
  };
})(window.patrolmap);
