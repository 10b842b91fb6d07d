/* A layer of canvas tiles that are painted in slices, so that panning never waits for them. */
(function (pm) {
  "use strict";

  const SLICE = 6;  // ms of painting in a frame
  const waiting = [];
  let running = false;

  function work() {
    const end = performance.now() + SLICE;
    while (waiting.length && performance.now() < end) {
      const job = waiting[0];
      if (!job.wanted() || job.steps.next().done) { waiting.shift(); }
    }
    running = waiting.length > 0;
    if (running) { requestAnimationFrame(work); }
  }

  function queue(job) {
    waiting.push(job);
    if (!running) { running = true; requestAnimationFrame(work); }
  }

  pm.idle = () => !waiting.length;

  /* `painter.paint(ctx, box)` is a generator: it paints one tile and yields now and then. A box:
     {x0, y0, x1, y1} in the world, scale (pixels to the world's side), zoom, size. */
  pm.Tiles = L.GridLayer.extend({
    options: { tileSize: 512, updateWhenZooming: false, updateWhenIdle: false, updateInterval: 60, keepBuffer: 1, noWrap: true, maxZoom: 22 },

    initialize: function (painter, options) {
      this.painter = painter;
      L.setOptions(this, options);
    },

    createTile: function (coords, done) {
      const tile = document.createElement("canvas");
      this.start(tile, coords, () => done(null, tile));
      return tile;
    },

    start: function (tile, coords, done) {
      const turn = tile.pmTurn = (tile.pmTurn || 0) + 1;
      tile.pmDone = done || tile.pmDone;  // painted anew before it was ready: ready with that
      queue({
        steps: this.paint(tile, coords),
        wanted: () => !tile.pmGone && tile.pmTurn === turn,
      });
    },

    paint: function* (tile, coords) {
      const ratio = Math.min(window.devicePixelRatio || 1, 2), size = this.options.tileSize;
      const sheet = document.createElement("canvas");
      sheet.width = sheet.height = size * ratio;
      const ctx = sheet.getContext("2d"), scale = 256 * Math.pow(2, coords.z);
      ctx.scale(ratio, ratio);
      const x0 = coords.x * size / scale, y0 = coords.y * size / scale, side = size / scale;
      yield* this.painter.paint(ctx, { x0, y0, x1: x0 + side, y1: y0 + side, side, scale, size, zoom: coords.z });
      tile.width = tile.height = size * ratio;
      tile.getContext("2d").drawImage(sheet, 0, 0);
      if (tile.pmDone) { tile.pmDone(); tile.pmDone = null; }
    },

    /* Paint all tiles again; each shows its old picture until the new one is ready. */
    again: function () {
      Object.values(this._tiles || {}).forEach((tile) => this.start(tile.el, tile.coords));
    },

    onAdd: function (map) {
      this.on("tileunload", (e) => { e.tile.pmGone = true; });
      L.GridLayer.prototype.onAdd.call(this, map);
    },
  });
})(window.patrolmap);
