/* Unpacking what maps/packing.py wrote. The world is a square with sides of 1: web Mercator. */
(function (pm) {
  "use strict";

  /* Whole numbers: 5 bits a letter, the lowest first. */
  function reader(text) {
    let at = 0;
    const next = () => {
      let value = 0, factor = 1, letter;
      do {
        letter = text.charCodeAt(at++) - 63;
        value += (letter & 31) * factor;
        factor *= 32;
      } while (letter >= 32);
      return value;
    };
    return { next, more: () => at < text.length };
  }

  pm.ints = function (text) {
    const read = reader(text), out = [];
    while (read.more()) { out.push(read.next()); }
    return Int32Array.from(out);
  };

  pm.bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  pm.floats = (text) => new Float32Array(pm.bytes(text).buffer);

  pm.worldX = (lng) => (lng + 180) / 360;
  pm.worldY = function (lat) {
    const sin = Math.sin(lat * Math.PI / 180);
    return 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI);
  };
  pm.latlng = (x, y) =>
    L.latLng(Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180 / Math.PI, x * 360 - 180);
  pm.world = (latlng) => ({ x: pm.worldX(latlng.lng), y: pm.worldY(latlng.lat) });

  /* Points: differences of latitude and longitude in 1e-6 degrees. */
  pm.points = function (text, count) {
    const read = reader(text), x = new Float64Array(count), y = new Float64Array(count);
    const step = () => { const v = read.next(); return v % 2 ? -(v + 1) / 2 : v / 2; };
    let lat = 0, lng = 0;
    for (let i = 0; i < count; i++) {
      lat += step();
      lng += step();
      x[i] = pm.worldX(lng / 1e6);
      y[i] = pm.worldY(lat / 1e6);
    }
    return { x, y };
  };

  /* What lies in which cell of a square grid: lists of numbers one after the other. */
  pm.Grid = class {
    /* `visit(put)` calls put(item, x0, y0, x1, y1) for every box, twice over. */
    constructor(bounds, visit) {
      let cell = 1 / (1 << 17);
      while ((bounds.x1 - bounds.x0) / cell * ((bounds.y1 - bounds.y0) / cell) > 1e6) { cell *= 2; }
      this.cell = cell;
      this.x0 = bounds.x0;
      this.y0 = bounds.y0;
      this.columns = Math.floor((bounds.x1 - bounds.x0) / cell) + 1;
      this.rows = Math.floor((bounds.y1 - bounds.y0) / cell) + 1;
      const size = this.columns * this.rows, start = new Int32Array(size + 1);
      const last = new Int32Array(size).fill(-1);
      this.sweep(visit, last, (at) => start[at + 1]++);
      for (let i = 0; i < size; i++) { start[i + 1] += start[i]; }
      const fill = start.slice(0, size), items = new Int32Array(start[size]);
      last.fill(-1);
      this.sweep(visit, last, (at, item) => { items[fill[at]++] = item; });
      this.start = start;
      this.items = items;
    }

    sweep(visit, last, note) {
      visit((item, x0, y0, x1, y1) => this.over(x0, y0, x1, y1, (at) => {
        if (last[at] !== item) { last[at] = item; note(at, item); }
      }));
    }

    over(x0, y0, x1, y1, each) {
      const a = Math.max(Math.floor((x0 - this.x0) / this.cell), 0);
      const b = Math.min(Math.floor((x1 - this.x0) / this.cell), this.columns - 1);
      const c = Math.max(Math.floor((y0 - this.y0) / this.cell), 0);
      const d = Math.min(Math.floor((y1 - this.y0) / this.cell), this.rows - 1);
      for (let row = c; row <= d; row++) {
        for (let column = a; column <= b; column++) { each(row * this.columns + column); }
      }
    }

    /* Call `each(item)` for all items of the cells that a box touches; some may come twice. */
    within(x0, y0, x1, y1, each) {
      this.over(x0, y0, x1, y1, (at) => {
        for (let k = this.start[at]; k < this.start[at + 1]; k++) { each(this.items[k]); }
      });
    }
  };

  pm.boundsOf = function (x, y) {
    const out = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
    for (let i = 0; i < x.length; i++) {
      if (x[i] < out.x0) { out.x0 = x[i]; }
      if (x[i] > out.x1) { out.x1 = x[i]; }
      if (y[i] < out.y0) { out.y0 = y[i]; }
      if (y[i] > out.y1) { out.y1 = y[i]; }
    }
    return x.length ? out : { x0: 0, y0: 0, x1: 0, y1: 0 };
  };
})(window.patrolmap);
