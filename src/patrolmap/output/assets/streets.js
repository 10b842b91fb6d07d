/* Painters of streets: the base map, and risk with hot spots above it. */
(function (pm) {
  "use strict";

  const ROADS = [
    { names: ["motorway", "trunk", "primary"], colour: "#b9b2a6", width: 2.6, zoom: 0 },
    { names: ["secondary", "tertiary"], colour: "#c3bdb2", width: 1.9, zoom: 0 },
    { names: ["residential", "unclassified", "living_street", "road", "busway"], colour: "#cfc9be", width: 1.2, zoom: 12 },
    { names: null, colour: "#dbd6cc", width: 0.8, zoom: 13.5 },
  ];
  const PARK = { colour: "#a9c59a", width: 1.2, zoom: 13 };
  const GROUND = { p: "#dfe7d0", w: "#c8dbe6" };
  pm.GROUND = GROUND;
  const RISK_WIDTH = [1.2, 1.5, 1.9, 2.4, 3.0, 3.6];
  pm.ROADS = ROADS;
  pm.UNLIT = "#57534e";

  /* Widths follow the zoom, more slowly than the map does. */
  pm.widthAt = (zoom) => Math.min(Math.max(Math.pow(2, (zoom - 14.5) / 2.6), 0.55), 2.6);
  pm.riskWidth = (code, n) => RISK_WIDTH[RISK_WIDTH.length - n + code];

  /* Which of ROADS each segment is; parks' own paths come after them. */
  pm.roadClasses = function (streets, segments) {
    const of = streets.classes.map((name) => {
      const plain = name.replace(/_link$/, "");
      const at = ROADS.findIndex((road) => road.names && road.names.includes(plain));
      return at < 0 ? ROADS.length - 1 : at;
    });
    return Uint8Array.from(segments.class, (code, i) =>
      of[code] === ROADS.length - 1 && streets.area[i] === "p" ? ROADS.length : of[code]);
  };

  /* Stroke segments, leaving out points less than a pixel from the last. */
  function* stroke(ctx, box, segments, rows, width, colour, dash) {
    const { x, y, start } = segments, { x0, y0, scale } = box;
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.lineCap = dash ? "butt" : "round";
    ctx.lineJoin = width > 1.5 ? "round" : "bevel";
    ctx.setLineDash(dash || []);
    for (let r = 0; r < rows.length;) {
      ctx.beginPath();
      for (const end = Math.min(r + 150, rows.length); r < end; r++) {
        const i = rows[r], last = start[i + 1] - 1;
        let px = (x[start[i]] - x0) * scale, py = (y[start[i]] - y0) * scale;
        ctx.moveTo(px, py);
        for (let k = start[i] + 1; k <= last; k++) {
          const qx = (x[k] - x0) * scale, qy = (y[k] - y0) * scale;
          if (k === last || Math.abs(qx - px) + Math.abs(qy - py) > 1) {
            ctx.lineTo(qx, qy);
            px = qx; py = qy;
          }
        }
      }
      ctx.stroke();
      yield;
    }
    ctx.setLineDash([]);
  }

  /* Segments of a tile and a hem around it, sorted into `n` lists by their class (from 0). */
  function sorted(segments, box, hem, n, classOf) {
    const pad = hem / box.scale, lists = Array.from({ length: n }, () => []);
    for (const i of segments.within(box.x0 - pad, box.y0 - pad, box.x1 + pad, box.y1 + pad)) {
      const code = classOf(i);
      if (code >= 0 && code < n) { lists[code].push(i); }
    }
    return lists;
  }

  /* Parks and water, under everything else. */
  pm.GroundPainter = class {
    constructor(grounds) {
      const counts = pm.ints(grounds.counts), rings = Array.from(pm.ints(grounds.rings));
      const all = counts.reduce((sum, n) => sum + n, 0), { x, y } = pm.points(grounds.points, all);
      let ring = 0, at = 0;
      this.areas = rings.map((n, k) => {
        const start = [at];
        for (let r = 0; r < n; r++) { at += counts[ring++]; start.push(at); }
        return { x, y, start, colour: GROUND[grounds.kind[k]], ...pm.boundsOf(x.subarray(start[0], at), y.subarray(start[0], at)) };
      });
    }

    * paint(ctx, box) {
      for (const area of this.areas) {
        if (area.x1 < box.x0 || area.x0 > box.x1 || area.y1 < box.y0 || area.y0 > box.y1) { continue; }
        const { x, y, start } = area;
        ctx.beginPath();
        for (let r = 0; r + 1 < start.length; r++) {
          for (let k = start[r]; k < start[r + 1]; k++) {
            const px = (x[k] - box.x0) * box.scale, py = (y[k] - box.y0) * box.scale;
            if (k === start[r]) { ctx.moveTo(px, py); } else { ctx.lineTo(px, py); }
          }
        }
        ctx.fillStyle = area.colour;
        ctx.fill("evenodd");
        yield;
      }
    }
  };

  pm.BasePainter = class {
    constructor(streets, segments) {
      this.segments = segments;
      this.lit = streets.lit;
      this.road = pm.roadClasses(streets, segments);
      this.shown = { streets: true, unlit: false };
    }

    * paint(ctx, box) {
      const styles = [...ROADS, PARK], grow = pm.widthAt(box.zoom);
      const lists = sorted(this.segments, box, 8, styles.length, (i) => this.road[i]);
      yield;
      if (this.shown.streets) {
        for (let code = styles.length - 1; code >= 0; code--) {
          const { colour, width, zoom } = styles[code];
          if (box.zoom >= zoom) { yield* stroke(ctx, box, this.segments, lists[code], Math.max(width * grow, 0.5), colour); }
        }
      }
      if (this.shown.unlit) {
        const dark = lists.flat().filter((i) => this.lit[i] === "n");
        yield* stroke(ctx, box, this.segments, dark, Math.max(1.5 * grow, 1), pm.UNLIT, [2, 4]);
      }
    }
  };

  pm.RiskPainter = class {
    constructor(segments, risk, hotspots) {
      this.segments = segments;
      this.risk = risk;
      this.shown = risk ? risk.legend.map(() => true) : [];
      this.hot = new Uint8Array(segments.n);
      this.hotShown = hotspots.length > 0;
      hotspots.forEach((spot) => spot.segments.forEach((i) => { this.hot[i] = 1; }));
    }

    * paint(ctx, box) {
      const { risk, segments } = this, n = this.shown.length, grow = pm.widthAt(box.zoom);
      const code = (i) => risk ? risk.class.charCodeAt(i) - 48 : 9;
      if (this.hotShown) {
        const hot = sorted(segments, box, 14, 1, (i) => this.hot[i] - 1)[0];
        yield* stroke(ctx, box, segments, hot, Math.max(8 * grow, 4), "#3d2a1a");
        yield* stroke(ctx, box, segments, hot, Math.max(6.4 * grow, 2.6), "#fffdf8");
      }
      const lists = n ? sorted(segments, box, 10, n, code) : [];
      yield;
      for (let k = 0; k < n; k++) {
        const width = Math.max(pm.riskWidth(k, n) * grow, 0.5);
        if (this.shown[k]) { yield* stroke(ctx, box, segments, lists[k], width, risk.legend[k].colour); }
      }
    }
  };
})(window.patrolmap);
