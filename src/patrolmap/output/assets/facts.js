/* What is told of a street and of single events. */
(function (pm) {
  "use strict";

  const LIT = { y: "lit", n: "unlit", u: "lighting unknown" };

  pm.factParts = {
    segmentFacts(i, parent) {
      const { streets, risk } = this.data, box = pm.el("section", "pm-segment", null, parent);
      pm.el("h3", "", this.streetName(i), box);
      const kind = pm.word(streets.classes[this.segments.class[i]].replace(/_link$/, ""));
      const lit = streets.lit ? pm.t(LIT[streets.lit[i]]) : "";
      const pairs = [[pm.t("Kind"), [kind, pm.km(this.segments.metres(i)), lit].filter(Boolean).join(", ")]];
      if (this.official && risk) { pairs.push(...this.riskFacts(i)); }
      if (this.data.events) { pairs.push([pm.t("Recorded"), this.recordedOn(i)]); }
      pm.facts(box, pairs);
      if (this.data.plan) { this.passList(i, box); }
    },

    streetName(i) { return this.text(this.segments.name[i]) || pm.t("Street without a name"); },

    riskFacts(i) {
      const { risk } = this.data, code = risk.class[i];
      if (code === "9") { return [[pm.t("Risk"), pm.t("none counted here")]]; }
      const value = this.riskValue[i], perKm = 1000 * value / Math.max(this.segments.metres(i), 1);
      const parts = Object.entries(this.riskKinds).map(([kind, share]) => [kind, share[i] / 255])
        .filter(([, share]) => share >= 0.005).sort((a, b) => b[1] - a[1])
        .map(([kind, share]) => pm.many(kind) + " " + Math.round(100 * share) + " %");
      const { rank, of } = this.rank(i);
      return [
        [pm.t("Forecast"), pm.t("{n} expected {unit}", { n: pm.number(value), unit: pm.t(risk.unit) }) + " (" + pm.t("{n} per km", { n: pm.number(perKm) }) + ")"],
        [pm.t("By map"), parts.join(", ")],
        [pm.t("Rank"), pm.t("{rank} of {of} by risk per km", { rank: pm.whole(rank), of: pm.whole(of) })],
      ];
    },

    rank(i) {
      const { risk } = this.data, perKm = (k) => this.riskValue[k] / this.segments.length[k], mine = perKm(i) * (1 + 1e-6);
      let rank = 1, of = 0;
      for (let k = 0; k < this.segments.n; k++) {
        if (risk.class[k] !== "9") { of++; if (perKm(k) > mine) { rank++; } }
      }
      return { rank, of };
    },

    /* Events snapped to this street, by map. */
    recordedOn(i) {
      this.recorded = this.recorded || this.unpackRecorded();
      const here = Object.entries(this.recorded).map(([kind, counts]) => [kind, counts.get(i) || 0]).filter(([, n]) => n);
      return here.length ? here.map(([kind, n]) => pm.many(kind) + " " + pm.whole(n)).join(", ") : pm.t("no events");
    },

    unpackRecorded() {
      return Object.fromEntries(Object.entries(this.data.events.recorded).map(([kind, packed]) => {
        const counts = pm.ints(packed.counts), out = new Map();
        let at = 0;
        pm.ints(packed.steps).forEach((step, k) => { at += step; out.set(at, counts[k]); });
        return [kind, out];
      }));
    },

    passList(i, box) {
      const passes = (this.passes.get(i) || []).slice();
      pm.el("h4", "", passes.length ? pm.t("Who passes, and when") : pm.t("No crew passes here"), box);
      const byRoute = new Map();
      passes.forEach((pass) => byRoute.set(pass.route, (byRoute.get(pass.route) || []).concat([pass])));
      byRoute.forEach((list, route) => {
        const line = pm.el("button", "pm-pass", null, box);
        line.type = "button";
        line.style.setProperty("--colour", route.colour);
        pm.el("span", "", this.crewName(route), line);
        pm.el("time", "", list.map((pass) => pm.clock(pass.time)).join(", "), line);
        line.addEventListener("click", () => this.openRoute(route));
      });
      passes.filter((pass) => pass.reason).slice(0, 4).forEach((pass) =>
        pm.el("p", "pm-note", pm.clock(pass.time) + ": " + pass.reason, box));
    },

    /* One event in a line: what, and when as well as it is known. */
    eventLine(i) {
      const { event, data: { events } } = this, [kind, category, article, severity, precision] = events.types[event.type[i]];
      const what = [pm.first(pm.word(kind)), category && pm.word(category), article && pm.t("art. {n}", { n: article }), severity && pm.word(severity)];
      return { what: what.filter(Boolean).join(" · "), when: this.eventTime(event.clock[i], event.lasting[i], precision) };
    },

    eventTime(clock, lasting, precision) {
      if (!clock) { return pm.t("time unknown"); }
      const base = Date.parse(this.data.events.base + "T00:00:00Z"), at = (minute) => new Date(base + minute * 60000), minute = clock - 1;
      if (precision === "month") { return pm.day(at(minute), "{month} {year}"); }
      if (precision === "day" || precision === "unknown") { return pm.day(at(minute), "{day} {month} {year}"); }
      const day = pm.day(at(minute), "{weekday} {day} {month} {year}"), from = pm.clock(minute % 1440);
      return day + ", " + (lasting ? from + "–" + pm.clock((minute + lasting) % 1440) : from);
    },
  };
})(window.patrolmap);
