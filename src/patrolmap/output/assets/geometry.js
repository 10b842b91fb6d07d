/* Lines on the map: unpacking them, finding the one under the cursor, drawing walks beside each
   other with arrows. */
window.patrolmap = {};
(function (pm) {
  "use strict";

  /* Unpack lines written by encode_lines in _payload.py: an array of arrays of L.LatLng. */
  pm.decode = function (points, counts) {
    let at = 0, lat = 0, lng = 0;
    function step() {
      let value = 0, factor = 1, letter;
      do {
        letter = points.charCodeAt(at++) - 63;
        value += (letter & 31) * factor;
        factor *= 32;
      } while (letter >= 32);
      return value % 2 ? -(value + 1) / 2 : value / 2;
    }
    return counts.map((count) => {
      const line = new Array(count);
      for (let i = 0; i < count; i++) {
        lat += step();
        lng += step();
        line[i] = L.latLng(lat / 1e6, lng / 1e6);
      }
      return line;
    });
  };

  /* Which segment lies nearest to a place: a grid of 100 m cells, built when first asked. */
  pm.SegmentIndex = class {
    constructor(lines) {
      this.lines = lines;
      this.cells = null;
    }

    nearest(latlng, metres) {
      if (!this.cells) { this.build(); }
      const p = this.flat(latlng), seen = new Set();
      let best = -1, least = metres;
      for (let cx = Math.floor((p.x - metres) / 100); cx <= Math.floor((p.x + metres) / 100); cx++) {
        for (let cy = Math.floor((p.y - metres) / 100); cy <= Math.floor((p.y + metres) / 100); cy++) {
          for (const i of this.cells.get(cx + ":" + cy) || []) {
            if (seen.has(i)) { continue; }
            seen.add(i);
            const away = this.distance(p, i);
            if (away < least) { least = away; best = i; }
          }
        }
      }
      return best;
    }

    build() {
      const first = this.lines[0][0];
      this.origin = first;
      this.scale = L.point(111320 * Math.cos(first.lat * Math.PI / 180), 110574);
      this.cells = new Map();
      this.lines.forEach((line, i) => {
        const flat = line.map((p) => this.flat(p));
        for (let k = 1; k < flat.length; k++) { this.enter(i, flat[k - 1], flat[k]); }
      });
    }

    enter(i, a, b) {
      const x0 = Math.floor(Math.min(a.x, b.x) / 100), x1 = Math.floor(Math.max(a.x, b.x) / 100);
      const y0 = Math.floor(Math.min(a.y, b.y) / 100), y1 = Math.floor(Math.max(a.y, b.y) / 100);
      for (let x = x0; x <= x1; x++) {
        for (let y = y0; y <= y1; y++) {
          const key = x + ":" + y, cell = this.cells.get(key);
          if (!cell) { this.cells.set(key, [i]); }
          else if (cell[cell.length - 1] !== i) { cell.push(i); }
        }
      }
    }

    flat(latlng) {
      return L.point((latlng.lng - this.origin.lng) * this.scale.x,
        (latlng.lat - this.origin.lat) * this.scale.y);
    }

    distance(p, i) {
      const flat = this.lines[i].map((q) => this.flat(q));
      let least = Infinity;
      for (let k = 1; k < flat.length; k++) {
        least = Math.min(least, L.LineUtil.pointToSegmentDistance(p, flat[k - 1], flat[k]));
      }
      return least;
    }
  };

  /* Move a line of pixels to the right of its direction, so that a street walked both ways, or by
     two crews, shows as lines beside each other. */
  function beside(points, away) {
    const line = points.filter((p, i) => i === 0 || !p.equals(points[i - 1]));
    if (!away || line.length < 2) { return line; }
    const normals = [];
    for (let i = 1; i < line.length; i++) {
      const d = line[i].subtract(line[i - 1]), size = Math.hypot(d.x, d.y);
      normals.push(L.point(-d.y / size * away, d.x / size * away));
    }
    const out = [line[0].add(normals[0])];
    for (let i = 1; i < line.length - 1; i++) {
      const a = normals[i - 1], b = normals[i];
      const along = (a.x * b.x + a.y * b.y) / (away * away);
      if (along > -0.2) {
        out.push(line[i].add(a.add(b).divideBy(1 + along)));
      } else {
        out.push(line[i].add(a), line[i].add(b));
      }
    }
    out.push(line[line.length - 1].add(normals[normals.length - 1]));
    return out;
  }

  /* Widths follow the zoom, more slowly than the map does. */
  pm.widthAt = (zoom) => Math.min(Math.max(Math.pow(2, (zoom - 14.5) / 2.6), 0.55), 2.6);
  pm.routeWidth = (zoom) => Math.min(Math.max(2.6 * Math.pow(2, (zoom - 14) / 3.5), 1.5), 5.2);

  pm.metresPerPixel = function (line, zoom) {
    const lat = line.length ? line[0].lat : 0;
    return 156543 * Math.cos(lat * Math.PI / 180) / Math.pow(2, zoom);
  };

  /* A walk; options.lane says how far to the right of the street it is drawn. */
  pm.Walk = L.Polyline.extend({
    _projectLatlngs: function (latlngs, result, bounds) {
      const rings = [], zoom = this._map.getZoom();
      L.Polyline.prototype._projectLatlngs.call(this, latlngs, rings, bounds);
      // Beside the street by the line's own width, yet never by more than a street is wide.
      const width = pm.routeWidth(zoom), street = 6 / pm.metresPerPixel(latlngs, zoom);
      const away = Math.min(width * 0.55, street) + (this.options.lane % 3) * Math.min(width * 1.15, street);
      rings.forEach((ring) => this._draw(beside(ring, away), result, zoom));
    },
    _draw: function (line, result) { result.push(line); },
  });

  /* Arrow heads along a walk, every 90 pixels. */
  pm.Arrows = pm.Walk.extend({
    options: { smoothFactor: 0 },
    _draw: function (line, result, zoom) {
      if (zoom < 14.5) { return; }
      const size = pm.routeWidth(zoom) * 0.62;
      let next = 45;
      for (let i = 1; i < line.length; i++) {
        const a = line[i - 1], d = line[i].subtract(a), length = Math.hypot(d.x, d.y);
        for (; next <= length; next += 90) {
          if (length < size * 3) { break; }
          const u = d.divideBy(length), at = a.add(u.multiplyBy(next));
          const side = L.point(-u.y, u.x).multiplyBy(size), tail = at.subtract(u.multiplyBy(size * 0.7));
          result.push([tail.add(side), at.add(u.multiplyBy(size * 0.7)), tail.subtract(side)]);
        }
        next -= length;
        if (next < 0) { next = 0; }
      }
    },
  });
})(window.patrolmap);
