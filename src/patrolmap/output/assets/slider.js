/* The slider that walks the crews through their shifts. */
(function (pm) {
  "use strict";

  const WHOLE = 60;  // seconds that playing the whole plan takes, at most
  const PACE = 300;  // seconds of the plan in a second, at least

  pm.sliderParts = {
    /* The wall's clock at a second of the plan: minute of the day, and the day. */
    wall(t) {
      const { changes, day } = this.data.plan.clock;
      let [run, wall] = changes[0];
      changes.forEach(([r, w]) => { if (r <= t) { run = r; wall = w; } });
      const seconds = wall + t - run;
      return { minute: Math.floor(seconds / 60) % 1440, date: new Date(Date.parse(day + "T00:00:00Z") + Math.floor(seconds / 86400) * 86400000) };
    },

    addSlider() {
      const { clock } = this.data.plan, map = this.map;
      if (!clock.seconds) { return; }
      const others = map.getContainer().querySelectorAll(".pm-slider").length, box = pm.el("div", "pm-slider", null, map.getContainer());
      if (others) { box.style.bottom = 12 + 50 * others + "px"; }
      const play = pm.el("button", "pm-play", "▶", box), range = pm.el("input", "", null, box), now = pm.el("output", "", "", box);
      play.type = "button";
      play.setAttribute("aria-label", pm.t("Play"));
      Object.assign(range, { type: "range", min: 0, max: clock.seconds, step: 15, value: 0 });
      range.setAttribute("aria-label", pm.t("Time of the shift"));
      range.addEventListener("input", () => this.walkTo(Number(range.value)));
      play.addEventListener("click", () => this.play(play, range));
      L.DomEvent.disableClickPropagation(box);
      Object.assign(this, { range, now });
      this.crews = this.routes.map((route) => this.crewMarker(route));
      this.walkTo(0);
    },

    play(button, range) {
      if (this.playing) { this.playing = false; button.textContent = "▶"; return; }
      const { seconds } = this.data.plan.clock, pace = Math.max(PACE, seconds / WHOLE);
      this.playing = true;
      button.textContent = "❚❚";
      if (Number(range.value) >= seconds) { range.value = 0; }
      let last = performance.now(), t = Number(range.value);
      const step = (moment) => {
        if (!this.playing) { return; }
        t = Math.min(t + Math.max(moment - last, 0) / 1000 * pace, seconds);
        last = moment;
        range.value = t;
        this.walkTo(t);
        if (t < seconds) { requestAnimationFrame(step); } else { this.playing = false; button.textContent = "▶"; }
      };
      requestAnimationFrame(step);
    },

    crewMarker(route) {
      const dot = pm.el("div", "pm-crew", route.crew);
      dot.style.setProperty("--colour", route.colour);
      dot.style.setProperty("--on-colour", pm.inkOn(route.colour));
      const icon = L.divIcon({ className: "pm-label", html: dot, iconSize: [0, 0] });
      const marker = L.marker(this.map.getCenter(), { icon, pane: "pm-crews", keyboard: false, title: this.crewName(route) });
      marker.on("click", (e) => { L.DomEvent.stop(e); this.openRoute(route); });
      return { route, marker, dot };
    },

    walkTo(t) {
      const { minute, date } = this.wall(t);
      this.now.textContent = pm.day(date, "{weekday} {day} {month}") + ", " + pm.clock(minute);
      this.crews.forEach(({ route, marker, dot }) => {
        const where = route.on && this.whereIs(route, t);
        if (!where) { marker.remove(); return; }
        marker.setLatLng(where.at);
        if (!this.map.hasLayer(marker)) { marker.addTo(this.map); }
        dot.classList.toggle("pm-standing", where.stands);
        dot.title = where.stands ? pm.word(where.activity) : "";
      });
    },

    /* Where a crew is at a second of the plan; nothing while it is not out. */
    whereIs(route, t) {
      const { from, to, walk, activity } = route.moves, n = from.length;
      if (!n || t < from[0] || t > to[n - 1]) { return null; }
      let low = 0, high = n - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (from[middle] <= t) { low = middle; } else { high = middle - 1; }
      }
      if (walk[low] >= 0) {
        const whole = to[low] - from[low], share = whole ? Math.min((t - from[low]) / whole, 1) : 1, k = walk[low];
        return { at: this.segments.along(route.segments[k], share, route.forward[k] === "-"), stands: false, activity: activity[low] };
      }
      // Standing: where the way there ended, or where the way on begins.
      for (let i = low; i >= 0; i--) {
        if (walk[i] >= 0) { return { at: this.endOf(route, walk[i], 1), stands: true, activity: activity[low] }; }
      }
      const next = walk.find((k) => k >= 0);
      return { at: next === undefined ? L.latLng(route.legs.at[0]) : this.endOf(route, next, 0), stands: true, activity: activity[low] };
    },

    endOf(route, k, share) { return this.segments.along(route.segments[k], share, route.forward[k] === "-"); },
  };
})(window.patrolmap);
