/* Walks beside each other, with arrows. */
(function (pm) {
  "use strict";

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
