/* Events: counted in bubbles where they crowd, one by one from close by. Places as dots too. */
(function (pm) {
  "use strict";

  const NEAR = 17;  // from this zoom on each event stands alone
  const CELL = 64;  // pixels of a bubble's cell; no bubble leaves its cell, so tiles fit together
  pm.NEAR = NEAR;

  /* Points of several kinds; `kind[i]` is a number below `colours.length`. */
  pm.Dots = class {
    constructor(x, y, kind, colours) {
      Object.assign(this, { x, y, kind, colours });
      this.shown = colours.map(() => true);
      this.grid = new pm.Grid(pm.boundsOf(x, y), (put) => {
        for (let i = 0; i < x.length; i++) { put(i, x[i], y[i], x[i], y[i]); }
      });
    }

    within(x0, y0, x1, y1, each) {
      const { x, y } = this;
      this.grid.within(x0, y0, x1, y1, (i) => {
        if (this.shown[this.kind[i]] && x[i] >= x0 && x[i] < x1 && y[i] >= y0 && y[i] < y1) { each(i); }
      });
    }

    /* Those within so many pixels of a place, at most 50. */
    near(at, pixels, zoom) {
      const reach = pixels / (256 * Math.pow(2, zoom)), out = [];
      this.within(at.x - reach, at.y - reach, at.x + reach, at.y + reach, (i) => { if (out.length < 50) { out.push(i); } });
      return out;
    }

    /* Bubbles of the cells that a box covers: middle in the world, events of each kind. */
    bubbles(x0, y0, side, cells) {
      const out = new Map(), cell = side / cells;
      this.within(x0, y0, x0 + side, y0 + side, (i) => {
        const column = Math.floor((this.x[i] - x0) / cell), row = Math.floor((this.y[i] - y0) / cell);
        const key = row * cells + column;
        let b = out.get(key);
        if (!b) { b = { n: 0, sx: 0, sy: 0, of: this.colours.map(() => 0), left: x0 + column * cell, top: y0 + row * cell }; out.set(key, b); }
        b.n++;
        b.sx += this.x[i];
        b.sy += this.y[i];
        b.of[this.kind[i]]++;
      });
      out.forEach((b) => this.settle(b, cell));
      return [...out.values()];
    }

    /* Put a bubble at the mean of its events, yet whole in its cell; sizes are shares of a cell. */
    settle(b, cell) {
      b.r = (b.n === 1 ? 4.5 : Math.min(9 + 2.1 * Math.log2(b.n), 28)) / CELL * cell;
      const edge = b.r + cell * 2 / CELL;
      b.x = Math.min(Math.max(b.sx / b.n, b.left + edge), b.left + cell - edge);
      b.y = Math.min(Math.max(b.sy / b.n, b.top + edge), b.top + cell - edge);
    }

    /* The bubble at a place, if there is one. */
    bubbleAt(at, zoom) {
      const cell = CELL / (256 * Math.pow(2, zoom));
      const x0 = Math.floor(at.x / cell) * cell, y0 = Math.floor(at.y / cell) * cell;
      return this.bubbles(x0, y0, cell, 1).find((b) => Math.hypot(b.x - at.x, b.y - at.y) <= b.r * 1.1);
    }
  };

  const disc = (ctx, x, y, r, colour) => {
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.fillStyle = colour;
    ctx.fill();
  };
  const short = (n) => n < 1000 ? String(n) : n < 9950 ? (n / 1000).toFixed(1) + "k" : Math.round(n / 1000) + "k";

  pm.EventPainter = class {
    constructor(dots) { this.dots = dots; }

    * paint(ctx, box) {
      if (box.zoom >= NEAR) { yield* this.single(ctx, box); return; }
      const bubbles = this.dots.bubbles(box.x0, box.y0, box.side, box.size / CELL);
      yield;
      bubbles.forEach((b) => this.bubble(ctx, b, (b.x - box.x0) * box.scale, (b.y - box.y0) * box.scale, b.r * box.scale));
    }

    bubble(ctx, b, x, y, r) {
      const { colours } = this.dots;
      if (b.n === 1) { disc(ctx, x, y, r, "#fffdf8"); disc(ctx, x, y, r - 1, colours[b.of.indexOf(1)]); return; }
      let from = -Math.PI / 2;
      b.of.forEach((n, kind) => {
        if (!n) { return; }
        const to = from + 2 * Math.PI * n / b.n;
        ctx.beginPath();
        ctx.moveTo(x, y);
        ctx.arc(x, y, r, from, to);
        ctx.fillStyle = colours[kind];
        ctx.fill();
        from = to;
      });
      disc(ctx, x, y, r - 4, "rgba(255, 253, 248, 0.94)");
      ctx.fillStyle = "#26221c";
      ctx.font = "600 " + (b.n < 100 ? 10.5 : 9.5) + 'px "DejaVu Sans", system-ui, sans-serif';
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.fillText(short(b.n), x, y + 0.5);
    }

    /* Each event a dot; those at one place a dot with their number. */
    * single(ctx, box) {
      const pad = 12 / box.scale, piles = new Map(), { dots } = this;
      dots.within(box.x0 - pad, box.y0 - pad, box.x1 + pad, box.y1 + pad, (i) => {
        const key = dots.x[i] + ":" + dots.y[i], pile = piles.get(key);
        if (pile) { pile.push(i); } else { piles.set(key, [i]); }
      });
      yield;
      for (const pile of piles.values()) {
        const x = (dots.x[pile[0]] - box.x0) * box.scale, y = (dots.y[pile[0]] - box.y0) * box.scale;
        const of = dots.colours.map(() => 0);
        pile.forEach((i) => of[dots.kind[i]]++);
        this.bubble(ctx, { n: pile.length, of }, x, y, pile.length > 1 ? 9 : 5);
      }
    }
  };

  /* Places: small dots from a zoom on where they do not cover the map. */
  pm.PlacePainter = class {
    constructor(dots) { this.dots = dots; }

    * paint(ctx, box) {
      const pad = 10 / box.scale, { dots } = this, r = box.zoom >= 16 ? 5 : box.zoom >= 14 ? 3.5 : 2;
      dots.within(box.x0 - pad, box.y0 - pad, box.x1 + pad, box.y1 + pad, (i) => {
        const x = (dots.x[i] - box.x0) * box.scale, y = (dots.y[i] - box.y0) * box.scale;
        ctx.fillStyle = "#fffdf8";
        ctx.fillRect(x - r - 1, y - r - 1, 2 * r + 2, 2 * r + 2);
        ctx.fillStyle = dots.colours[dots.kind[i]];
        ctx.fillRect(x - r, y - r, 2 * r, 2 * r);
      });
      yield;
    }
  };
})(window.patrolmap);
